// What actions/github-script gives a script, as far as the sandbox's GitHub has it.
import { appendFileSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { randomUUID } from 'node:crypto'

const told = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const env = process.env
const [owner, repo] = (env.GITHUB_REPOSITORY || '/').split('/')
const here = '/repos/{owner}/{repo}'
const routes = {
  'actions.createWorkflowDispatch': `POST ${here}/actions/workflows/{workflow_id}/dispatches`,
  'actions.getWorkflowRun': `GET ${here}/actions/runs/{run_id}`,
  'actions.listJobsForWorkflowRun': `GET ${here}/actions/runs/{run_id}/jobs`,
  'actions.listWorkflowRuns': `GET ${here}/actions/workflows/{workflow_id}/runs`,
  'actions.listWorkflowRunsForRepo': `GET ${here}/actions/runs`,
  'checks.create': `POST ${here}/check-runs`,
  'checks.listForRef': `GET ${here}/commits/{ref}/check-runs`,
  'git.createRef': `POST ${here}/git/refs`,
  'git.getRef': `GET ${here}/git/ref/{ref}`,
  'git.updateRef': `PATCH ${here}/git/refs/{ref}`,
  'issues.addLabels': `POST ${here}/issues/{issue_number}/labels`,
  'issues.create': `POST ${here}/issues`,
  'issues.createComment': `POST ${here}/issues/{issue_number}/comments`,
  'issues.get': `GET ${here}/issues/{issue_number}`,
  'issues.listComments': `GET ${here}/issues/{issue_number}/comments`,
  'issues.listForRepo': `GET ${here}/issues`,
  'issues.update': `PATCH ${here}/issues/{issue_number}`,
  'pulls.create': `POST ${here}/pulls`,
  'pulls.get': `GET ${here}/pulls/{pull_number}`,
  'pulls.list': `GET ${here}/pulls`,
  'pulls.merge': `PUT ${here}/pulls/{pull_number}/merge`,
  'pulls.update': `PATCH ${here}/pulls/{pull_number}`,
  'repos.compareCommits': `GET ${here}/compare/{base}...{head}`,
  'repos.createCommitStatus': `POST ${here}/statuses/{sha}`,
  'repos.createDispatchEvent': `POST ${here}/dispatches`,
  'repos.createRelease': `POST ${here}/releases`,
  'repos.generateReleaseNotes': `POST ${here}/releases/generate-notes`,
  'repos.get': `GET ${here}`,
  'repos.getBranch': `GET ${here}/branches/{branch}`,
  'repos.getCommit': `GET ${here}/commits/{ref}`,
  'repos.getContent': `GET ${here}/contents/{path}`,
  'repos.getLatestRelease': `GET ${here}/releases/latest`,
  'repos.getReleaseByTag': `GET ${here}/releases/tags/{tag}`,
  'repos.listReleases': `GET ${here}/releases`,
  'repos.listTags': `GET ${here}/tags`,
  'repos.updateRelease': `PATCH ${here}/releases/{release_id}`,
}

async function request(route, given = {}) {
  const [method, template] = typeof route === 'string' ? route.split(' ') : [route.method, route.url]
  const left = { ...given }
  delete left.headers
  const path = template.replace(/\{(\w+)\}/g, (_, name) => {
    const value = left[name] ?? { owner, repo }[name]
    delete left[name]
    return String(value).split('/').map(encodeURIComponent).join('/')
  })
  delete left.owner
  delete left.repo
  const url = new URL(env.GITHUB_API_URL + path)
  if (method === 'GET') for (const [name, value] of Object.entries(left)) url.searchParams.set(name, value)
  const headers = { authorization: `token ${env.SCRIPT_TOKEN}`, accept: 'application/vnd.github+json' }
  const body = method === 'GET' ? undefined : JSON.stringify(left)
  const answer = await fetch(url, { method, headers: { ...headers, 'content-type': 'application/json' }, body })
  const text = await answer.text()
  const data = text ? JSON.parse(text) : undefined
  if (!answer.ok) throw Object.assign(new Error(data?.message ?? text), { status: answer.status, response: { data } })
  return { status: answer.status, data, headers: Object.fromEntries(answer.headers), url: String(url) }
}

async function paginate(asked, given = {}) {
  const found = []
  for (let page = 1; ; page++) {
    const all = { per_page: 100, ...given, page }
    const { data } = await (typeof asked === 'function' ? asked(all) : request(asked, all))
    const listed = Array.isArray(data) ? data : Object.values(data).find(Array.isArray) ?? []
    found.push(...listed)
    if (listed.length < all.per_page) return found
  }
}

const methods = (room) => new Proxy({}, {
  get: (_, name) => {
    const route = routes[`${room}.${String(name)}`]
    if (!route) throw new Error(`the sandbox does not know github.rest.${room}.${String(name)}`)
    return (given) => request(route, given)
  },
})
const rest = new Proxy({}, { get: (_, room) => methods(String(room)) })
const github = { rest, request, paginate }
const line = (kind) => (text) => console.log(`::${kind}::${String(text?.message ?? text).replace(/%/g, '%25').replace(/\n/g, '%0A')}`)
const write = (file, name, value) => {
  const end = `end-${randomUUID()}`
  const text = value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
  appendFileSync(env[file], `${name}<<${end}\n${text}\n${end}\n`)
}
const core = {
  debug: line('debug'), error: line('error'), info: (text) => console.log(text), notice: line('notice'),
  warning: line('warning'), setSecret: line('add-mask'),
  exportVariable: (name, value) => write('GITHUB_ENV', name, value),
  getInput: (name) => told.inputs[name] ?? '',
  setFailed: (text) => { process.exitCode = 1; line('error')(text) },
  setOutput: (name, value) => write('GITHUB_OUTPUT', name, value),
}
const context = {
  actor: env.GITHUB_ACTOR, eventName: env.GITHUB_EVENT_NAME, job: env.GITHUB_JOB, payload: told.event, ref: env.GITHUB_REF,
  repo: { owner, repo }, runId: Number(env.GITHUB_RUN_ID), runNumber: Number(env.GITHUB_RUN_NUMBER), sha: env.GITHUB_SHA,
  serverUrl: env.GITHUB_SERVER_URL, workflow: env.GITHUB_WORKFLOW,
  issue: { owner, repo, number: told.event?.issue?.number ?? told.event?.pull_request?.number },
}

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor
const names = { github, octokit: github, context, core, require: createRequire(`${process.cwd()}/`), process }
try {
  const result = await new AsyncFunction(...Object.keys(names), told.script)(...Object.values(names))
  if (result !== undefined) write('GITHUB_OUTPUT', 'result', told.encoding === 'string' ? String(result) : JSON.stringify(result))
} catch (error) {
  core.setFailed(`Unhandled error: ${error}`)
}
