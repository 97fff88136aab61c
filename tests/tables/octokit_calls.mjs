// What a release tool asks of GitHub, by @octokit/rest; prints {call: what went wrong, or nothing}.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { Octokit } = await import(pathToFileURL(`${process.argv[2]}/@octokit/rest/dist-src/index.js`));
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const rest = new Octokit({ auth: process.env.GITHUB_TOKEN, baseUrl: process.env.GITHUB_API_URL, log: silent });
const [owner, repo] = process.env.GITHUB_REPOSITORY.split("/");
const { repos, git, checks, pulls, issues, actions } = rest;
const at = { owner, repo };
const head = (await git.getRef({ ...at, ref: "heads/main" })).data.object.sha;
const text = (words) => Buffer.from(words).toString("base64");
const made = {};
const keep = async (name, call) => (made[name] = (await call).data);

const calls = {
  "users.getAuthenticated": () => rest.users.getAuthenticated(),
  "users.getByUsername": () => rest.users.getByUsername({ username: "releaser" }),
  "rateLimit.get": () => rest.rateLimit.get(),
  "meta.get": () => rest.meta.get(),
  "repos.get": () => repos.get(at),
  "repos.listBranches": () => rest.paginate(repos.listBranches, at),
  "repos.getBranch": () => repos.getBranch({ ...at, branch: "main" }),
  "repos.getBranchRules": () => repos.getBranchRules({ ...at, branch: "main" }),
  "repos.getRepoRulesets": () => repos.getRepoRulesets(at),
  "repos.listTags": () => rest.paginate(repos.listTags, at),
  "repos.listCommits": () => repos.listCommits({ ...at, sha: "main" }),
  "repos.getCommit": () => repos.getCommit({ ...at, ref: "main" }),
  "repos.compareCommits": () => repos.compareCommits({ ...at, base: "main", head: "topic" }),
  "repos.compareCommitsWithBasehead": () => repos.compareCommitsWithBasehead({ ...at, basehead: "main...topic" }),
  "repos.getContent of the root": () => repos.getContent({ ...at, path: "" }),
  "repos.getContent of a file": () => repos.getContent({ ...at, path: "README.md", ref: "main" }),
  "repos.getContent as it is": () => repos.getContent({ ...at, path: "README.md", mediaType: { format: "raw" } }),
  "repos.getReadme": () => repos.getReadme(at),
  "repos.downloadTarballArchive": () => repos.downloadTarballArchive({ ...at, ref: "main" }),
  "repos.getCollaboratorPermissionLevel": () => repos.getCollaboratorPermissionLevel({ ...at, username: "releaser" }),
  "repos.createDispatchEvent": () => repos.createDispatchEvent({ ...at, event_type: "nightly", client_payload: { a: 1 } }),
  "git.getRef": () => git.getRef({ ...at, ref: "heads/main" }),
  "git.listMatchingRefs": () => git.listMatchingRefs({ ...at, ref: "heads/" }),
  "git.createBlob": () => keep("blob", git.createBlob({ ...at, content: "words\n" })),
  "git.getBlob": () => git.getBlob({ ...at, file_sha: made.blob.sha }),
  "git.createTree": () =>
    keep("tree", git.createTree({ ...at, base_tree: head, tree: [{ path: "a", mode: "100644", sha: made.blob.sha }] })),
  "git.getTree": () => git.getTree({ ...at, tree_sha: "main", recursive: "1" }),
  "git.createCommit": () => keep("commit", git.createCommit({ ...at, message: "A", tree: made.tree.sha, parents: [head] })),
  "git.getCommit": () => git.getCommit({ ...at, commit_sha: made.commit.sha }),
  "git.createRef": () => git.createRef({ ...at, ref: "refs/heads/work", sha: head }),
  "git.updateRef": () => git.updateRef({ ...at, ref: "heads/work", sha: made.commit.sha }),
  "git.createTag": () =>
    keep("tag", git.createTag({ ...at, tag: "2.0.0", message: "2.0.0", object: made.commit.sha, type: "commit" })),
  "git.getTag": () => git.getTag({ ...at, tag_sha: made.tag.sha }),
  "repos.createOrUpdateFileContents": () =>
    keep("file", repos.createOrUpdateFileContents({ ...at, path: "b", message: "B", content: text("b"), branch: "work" })),
  "repos.deleteFile": () =>
    repos.deleteFile({ ...at, path: "b", message: "No B", sha: made.file.content.sha, branch: "work" }),
  "repos.merge": () => repos.merge({ ...at, base: "work", head: "other" }),
  "git.deleteRef": () => git.deleteRef({ ...at, ref: "heads/work" }),
  "repos.createCommitStatus": () => repos.createCommitStatus({ ...at, sha: head, state: "success", context: "ci" }),
  "repos.getCombinedStatusForRef": () => repos.getCombinedStatusForRef({ ...at, ref: "main" }),
  "repos.listCommitStatusesForRef": () => repos.listCommitStatusesForRef({ ...at, ref: "main" }),
  "checks.create": () => keep("check", checks.create({ ...at, name: "lint", head_sha: head, status: "in_progress" })),
  "checks.update": () => checks.update({ ...at, check_run_id: made.check.id, conclusion: "success" }),
  "checks.get": () => checks.get({ ...at, check_run_id: made.check.id }),
  "checks.listForRef": () => rest.paginate(checks.listForRef, { ...at, ref: "main" }),
  "checks.listSuitesForRef": () => checks.listSuitesForRef({ ...at, ref: "main" }),
  "pulls.create": () => keep("pull", pulls.create({ ...at, base: "main", head: "topic", title: "Topic" })),
  "pulls.list": () => pulls.list({ ...at, head: `${owner}:topic`, state: "open" }),
  "pulls.get": () => pulls.get({ ...at, pull_number: made.pull.number }),
  "pulls.update": () => pulls.update({ ...at, pull_number: made.pull.number, title: "Again" }),
  "pulls.listFiles": () => pulls.listFiles({ ...at, pull_number: made.pull.number }),
  "pulls.listCommits": () => pulls.listCommits({ ...at, pull_number: made.pull.number }),
  "pulls.requestReviewers": () => pulls.requestReviewers({ ...at, pull_number: made.pull.number, reviewers: ["reviewer"] }),
  "pulls.createReview": () => pulls.createReview({ ...at, pull_number: made.pull.number, event: "COMMENT", body: "Well" }),
  "pulls.listReviews": () => pulls.listReviews({ ...at, pull_number: made.pull.number }),
  "repos.listPullRequestsAssociatedWithCommit": () =>
    repos.listPullRequestsAssociatedWithCommit({ ...at, commit_sha: made.pull.head.sha }),
  "issues.createLabel": () => issues.createLabel({ ...at, name: "backport", color: "ff0000" }),
  "issues.getLabel": () => issues.getLabel({ ...at, name: "backport" }),
  "issues.listLabelsForRepo": () => issues.listLabelsForRepo(at),
  "issues.addLabels": () => issues.addLabels({ ...at, issue_number: made.pull.number, labels: ["backport"] }),
  "issues.setLabels": () => issues.setLabels({ ...at, issue_number: made.pull.number, labels: ["backport"] }),
  "issues.listLabelsOnIssue": () => issues.listLabelsOnIssue({ ...at, issue_number: made.pull.number }),
  "issues.removeLabel": () => issues.removeLabel({ ...at, issue_number: made.pull.number, name: "backport" }),
  "issues.get": () => issues.get({ ...at, issue_number: made.pull.number }),
  "issues.listForRepo": () => issues.listForRepo({ ...at, state: "all" }),
  "issues.createComment": () => keep("said", issues.createComment({ ...at, issue_number: made.pull.number, body: "Words" })),
  "issues.updateComment": () => issues.updateComment({ ...at, comment_id: made.said.id, body: "Other words" }),
  "issues.listComments": () => rest.paginate(issues.listComments, { ...at, issue_number: made.pull.number }),
  "issues.deleteComment": () => issues.deleteComment({ ...at, comment_id: made.said.id }),
  "search.issuesAndPullRequests": () => rest.search.issuesAndPullRequests({ q: `repo:${owner}/${repo} is:pr` }),
  "pulls.merge": () => pulls.merge({ ...at, pull_number: made.pull.number, sha: made.pull.head.sha }),
  "pulls.checkIfMerged": () => pulls.checkIfMerged({ ...at, pull_number: made.pull.number }),
  "repos.generateReleaseNotes": () => repos.generateReleaseNotes({ ...at, tag_name: "2.0.0" }),
  "repos.createRelease": () => keep("release", repos.createRelease({ ...at, tag_name: "2.0.0", draft: true })),
  "repos.uploadReleaseAsset": () =>
    keep(
      "asset",
      repos.uploadReleaseAsset({
        url: made.release.upload_url, ...at, release_id: made.release.id, name: "a.mjs", data: readFileSync(process.argv[1]),
      }),
    ),
  "repos.listReleaseAssets": () => repos.listReleaseAssets({ ...at, release_id: made.release.id }),
  "repos.getReleaseAsset": () =>
    repos.getReleaseAsset({ ...at, asset_id: made.asset.id, headers: { accept: "application/octet-stream" } }),
  "repos.updateReleaseAsset": () => repos.updateReleaseAsset({ ...at, asset_id: made.asset.id, label: "A" }),
  "repos.updateRelease": () => repos.updateRelease({ ...at, release_id: made.release.id, draft: false }),
  "repos.getRelease": () => repos.getRelease({ ...at, release_id: made.release.id }),
  "repos.getReleaseByTag": () => repos.getReleaseByTag({ ...at, tag: "2.0.0" }),
  "repos.getLatestRelease": () => repos.getLatestRelease(at),
  "repos.listReleases": () => rest.paginate(repos.listReleases, at),
  "repos.deleteReleaseAsset": () => repos.deleteReleaseAsset({ ...at, asset_id: made.asset.id }),
  "repos.deleteRelease": () => repos.deleteRelease({ ...at, release_id: made.release.id }),
  "actions.listRepoWorkflows": () => actions.listRepoWorkflows(at),
  "actions.getWorkflow": () => actions.getWorkflow({ ...at, workflow_id: "build.yaml" }),
  "actions.createWorkflowDispatch": () =>
    actions.createWorkflowDispatch({ ...at, workflow_id: "build.yaml", ref: "main", inputs: { publish: "true" } }),
  "actions.listWorkflowRuns": () => keep("runs", actions.listWorkflowRuns({ ...at, workflow_id: "build.yaml" })),
  "actions.listWorkflowRunsForRepo": () => actions.listWorkflowRunsForRepo({ ...at, event: "repository_dispatch" }),
  "actions.getWorkflowRun": () => actions.getWorkflowRun({ ...at, run_id: made.runs.workflow_runs[0].id }),
  "actions.listJobsForWorkflowRun": () =>
    keep("jobs", actions.listJobsForWorkflowRun({ ...at, run_id: made.runs.workflow_runs[0].id })),
  "actions.getJobForWorkflowRun": () => actions.getJobForWorkflowRun({ ...at, job_id: made.jobs.jobs[0].id }),
  "actions.downloadJobLogsForWorkflowRun": () =>
    actions.downloadJobLogsForWorkflowRun({ ...at, job_id: made.jobs.jobs[0].id }),
  "actions.downloadWorkflowRunLogs": () =>
    actions.downloadWorkflowRunLogs({ ...at, run_id: made.runs.workflow_runs[0].id }),
  "actions.listWorkflowRunArtifacts": () =>
    keep("artifacts", actions.listWorkflowRunArtifacts({ ...at, run_id: made.runs.workflow_runs[0].id })),
  "actions.downloadArtifact": () =>
    actions.downloadArtifact({ ...at, artifact_id: made.artifacts.artifacts[0].id, archive_format: "zip" }),
  "actions.getReviewsForRun": () => actions.getReviewsForRun({ ...at, run_id: made.runs.workflow_runs[0].id }),
  "actions.reRunWorkflow": () => actions.reRunWorkflow({ ...at, run_id: made.runs.workflow_runs[0].id }),
  "actions.reRunWorkflowFailedJobs": () =>
    actions.reRunWorkflowFailedJobs({ ...at, run_id: made.runs.workflow_runs[0].id }),
  "actions.deleteWorkflowRun": () => actions.deleteWorkflowRun({ ...at, run_id: made.runs.workflow_runs[0].id }),
};

const faults = {};
for (const [name, call] of Object.entries(calls)) {
  faults[name] = await call().then(() => "", (error) => `${error.status ?? ""} ${error.message}`.trim());
}
console.log(JSON.stringify(faults));
