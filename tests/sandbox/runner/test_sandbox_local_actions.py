"""Actions of the repository, those of docker, caches and scripts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sandbox_runner import Started, named, repository

FILES = {
    "actions/greet/action.yml": """
        inputs: {who: {default: "${{ github.ref_name }}"}, loud: {default: "no"}}
        outputs: {said: {value: "${{ steps.say.outputs.said }}"}}
        runs:
          using: composite
          steps:
            - {id: say, shell: bash, run: 'echo "said=hello ${{ inputs.who }} $MOOD" >> "$GITHUB_OUTPUT"'}
            - {shell: bash, run: 'test "${{ inputs.loud }}" != fail; cat "$GITHUB_ACTION_PATH/words"'}
            - {uses: ./actions/deep, with: {n: 1}}
    """,
    "actions/greet/words": "words of the action\n",
    "actions/deep/action.yaml": """
        inputs: {n: {required: true}}
        runs: {using: composite, steps: [{shell: bash, run: "echo deep ${{ inputs.n }}"}]}
    """,
    "actions/js/action.yml": """
        inputs: {a name: {default: fallback}}
        runs: {using: node20, pre: pre.js, main: main.js, post: post.js}
    """,
    "actions/js/pre.js": "console.log('before')",
    "actions/js/main.js": """
        const { appendFileSync } = require('fs')
        appendFileSync(process.env.GITHUB_STATE, 'kept=state\\n')
        appendFileSync(process.env.GITHUB_OUTPUT, `input=${process.env['INPUT_A_NAME']}\\n`)
    """,
    "actions/js/post.js": "console.log(`after with ${process.env.STATE_kept}`)",
    "actions/again/action.yml": "runs: {using: composite, steps: [{uses: ./actions/again}]}",
    "actions/where/action.yml": "runs: {using: composite, steps: [{shell: bash, run: 'echo in $(basename $PWD)'}]}",
    "actions/box/action.yml": "runs: {using: docker, image: Dockerfile}",
}
node = pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repository(tmp_path_factory.mktemp("actions"), FILES)


def test_a_composite_action_sees_its_inputs_and_gives_outputs(start: Started) -> None:
    run = start(
        """
        a:
          runs-on: x
          steps:
            - uses: actions/checkout@v4
            - {id: one, uses: ./actions/greet, with: {who: you}, env: {MOOD: glad}}
            - {id: two, uses: ./actions/greet}
            - run: echo "${{ steps.one.outputs.said }}; ${{ steps.two.outputs.said }}; ${{ steps.say.outputs.said }}."
        """
    )
    assert run.conclusion == "success", run.jobs[0].log
    log = named(run, "a").log
    assert "hello you glad; hello main ; ." in log
    assert log.count("words of the action") == 2
    assert log.count("deep 1") >= 2


def test_a_composite_action_of_which_a_step_fails_fails_itself(start: Started) -> None:
    run = start(
        """
        a:
          runs-on: x
          steps:
            - uses: actions/checkout@v4
            - {id: one, uses: ./actions/greet, with: {loud: fail}, continue-on-error: true}
            - run: echo "it was a ${{ steps.one.outcome }}"
        """
    )
    assert run.conclusion == "success", run.jobs[0].log
    assert "it was a failure" in run.jobs[0].log
    assert "deep 1" not in run.jobs[0].log


@node
def test_a_composite_action_has_no_defaults_of_the_jobs_and_does_not_go_on_for_ever(start: Started) -> None:
    run = start(
        """
        a:
          runs-on: x
          defaults: {run: {working-directory: actions}}
          steps:
            - uses: actions/checkout@v4
            - run: echo in $(basename $PWD)
            - uses: ./actions/where
            - uses: ./actions/again
        """
    )
    log = named(run, "a").log
    assert ("in actions" in log, "in work" in log) == (True, True)
    assert "./actions/again is called 10 actions deep" in log


def test_an_action_in_javascript_has_inputs_state_and_an_end(start: Started) -> None:
    run = start(
        """
        a:
          runs-on: x
          steps:
            - uses: actions/checkout@v4
            - {id: js, uses: ./actions/js}
            - run: echo "got ${{ steps.js.outputs.input }}"
        """
    )
    assert run.conclusion == "success", run.jobs[0].log
    log = run.jobs[0].log
    assert log.index("before") < log.index("got fallback") < log.index("after with state")


def test_an_action_in_a_container_fails_by_name(start: Started) -> None:
    run = start("a: {runs-on: x, steps: [{uses: actions/checkout@v4}, {uses: ./actions/box}]}")
    assert "does not support an action run by docker: ./actions/box" in run.jobs[0].log


def test_a_cache_is_there_for_the_next_run(start: Started) -> None:
    jobs = """
        a:
          runs-on: x
          steps:
            - {id: c, uses: actions/cache@v4, with: {path: "kept\\n~/.tool", key: %s, restore-keys: deps-}}
            - run: |
                echo "hit ${{ steps.c.outputs.cache-hit }}"; cat kept/file ~/.tool || echo nothing
                mkdir -p kept; echo cached > kept/file; echo tool > ~/.tool
        """
    first = start(jobs % "deps-1").jobs[0].log
    assert "Z nothing" in first
    assert "Cache saved with key: deps-1" in first
    second = start(jobs % "deps-1").jobs[0].log
    assert "hit true" in second
    assert "Z cached" in second
    assert "Z tool" in second
    assert "hit false" in start(jobs % "deps-2").jobs[0].log  # by its prefix


@pytest.mark.parametrize(
    ("ref", "rules", "tags"),
    [
        ("refs/tags/0.1.0", "type=semver,pattern={{version}}\ntype=semver,pattern={{major}}.x", "0.1.0 0.x latest"),
        ("refs/tags/0.1.0", "type=ref,event=tag", "0.1.0 latest"),
        ("refs/heads/main", "type=ref,event=branch\ntype=sha,format=long,prefix=", "main SHA"),
        ("refs/heads/main", "type=raw,value=extra,enable=false\ntype=raw,value=own,suffix=-x", "own-x"),
        ("refs/heads/main", "type=semver,pattern={{version}},value=v1.2.3-rc.1", "1.2.3-rc.1"),
    ],
)
def test_the_tags_of_metadata(start: Started, ref: str, rules: str, tags: str) -> None:
    run = start(
        f"""
        a:
          runs-on: x
          steps:
            - {{id: m, uses: docker/metadata-action@v5, with: {{images: r/i, tags: {json.dumps(rules)}}}}}
            - {{env: {{TAGS: "${{{{ steps.m.outputs.tags }}}}"}}, run: 'echo "got" $TAGS'}}
        """,
        ref=ref,
    )
    wanted = " ".join(f"r/i:{tag}" for tag in tags.replace("SHA", run.sha).split())
    assert f"Z got {wanted}\n" in run.jobs[0].log


@node
def test_a_script_has_github_context_and_core(start: Started) -> None:
    run = start(
        """
        a:
          runs-on: x
          steps:
            - id: s
              uses: actions/github-script@v7
              with:
                script: |
                  core.setOutput('repo', context.repo.owner)
                  try { await github.rest.gists.create() } catch (error) { core.info(error.message) }
                  return [1, context.sha]
            - run: echo '${{ steps.s.outputs.repo }} ${{ steps.s.outputs.result }}'
            - {uses: actions/github-script@v7, with: {script: 'await github.rest.repos.get()'}}
        """
    )
    log = run.jobs[0].log
    assert f'lepton [1,"{run.sha}"]' in log
    assert "the sandbox does not know github.rest.gists.create" in log
    assert run.conclusion == "failure"
    assert "##[error]Unhandled error:" in log
