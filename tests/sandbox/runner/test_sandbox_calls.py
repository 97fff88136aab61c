"""Reusable workflows: a job that calls a file of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from sandbox_runner import Started, named, repository, shown

FILES = {
    "inner.yaml": """
        on:
          workflow_call:
            inputs: {word: {type: string, default: none}, loud: {type: boolean, default: false}, n: {type: number}}
            secrets: {KEY: {required: false}}
            outputs: {said: {value: "${{ jobs.say.outputs.said }} from ${{ jobs.say.result }}"}}
        env: {LEVEL: inner}
        jobs:
          say:
            name: say it
            runs-on: x
            outputs: {said: "${{ steps.one.outputs.said }}"}
            steps:
              - id: one
                env: {KEY: "${{ secrets.KEY || 'no key' }}", OTHER: "${{ secrets.TOKEN || 'no token' }}"}
                run: |
                  echo "$LEVEL ${TOP:-empty} ${{ inputs.loud && 'LOUD' || 'quiet' }} ${{ github.event_name }} $OTHER"
                  echo "$KEY" | rev
                  echo "said=${{ inputs.word }}" >> "$GITHUB_OUTPUT"
                  test ${{ inputs.word }} != bad -o -e "${{ vars.BUCKET }}/repaired"
          off: {if: inputs.loud, needs: say, runs-on: x, steps: [{run: echo}]}
    """,
    "middle.yaml": """
        on: {workflow_call: {outputs: {said: {value: "${{ jobs.deep.outputs.said }}"}}}}
        jobs:
          deep: {uses: ./.github/workflows/inner.yaml, with: {word: deep}, secrets: inherit}
    """,
    "round.yaml": "{on: workflow_call, jobs: {a: {uses: ./.github/workflows/round.yaml}}}",
    "push.yaml": "{on: push, jobs: {a: {runs-on: x, steps: [{run: echo}]}}}",
    "strict.yaml": """
        on: {workflow_call: {inputs: {a: {type: number, required: true}}, secrets: {S: {required: true}}}}
        jobs: {a: {runs-on: x, steps: [{run: echo}]}}
    """,
    "slow.yaml": """
        on: {workflow_call: {inputs: {n: {type: number}}}}
        jobs: {a: {runs-on: x, steps: [{run: "sleep ${{ inputs.n }}; test ${{ inputs.n }} != 0"}]}}
    """,
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {f".github/workflows/{name}": text for name, text in FILES.items()}
    return repository(tmp_path_factory.mktemp("calls"), files)


def test_its_jobs_stand_in_the_run_by_both_names_and_its_outputs_reach_who_needs_them(start: Started) -> None:
    run = start(
        """
        call:
          uses: ./.github/workflows/inner.yaml
          with: {word: "${{ inputs.version }}", loud: "${{ inputs.publish }}"}
          secrets: {KEY: "${{ secrets.TOKEN }}"}
        after:
          needs: call
          runs-on: x
          steps: [{run: 'echo "heard ${{ needs.call.outputs.said }}, ${{ needs.call.result }}"'}]
        """
    )
    assert shown(run) == {"call / say it": "success", "call / off": "skipped", "after": "success"}
    assert "heard 0.7.0 from success, success" in named(run, "after").log
    log = named(run, "call / say it").log
    # The caller's variables and secrets are its own, its event and token are not.
    assert "inner empty quiet workflow_dispatch no token" in log
    assert "hsuh-hsuh" in log
    assert "hush-hush" not in log


def test_one_two_levels_deep_with_all_secrets(start: Started) -> None:
    run = start(
        """
        top: {name: The top, uses: ./.github/workflows/middle.yaml, secrets: inherit}
        end: {needs: top, runs-on: x, steps: [{run: "echo heard ${{ needs.top.outputs.said }}"}]}
        """
    )
    assert shown(run) == {
        "The top / deep / say it": "success",
        "The top / deep / off": "skipped",
        "end": "success",
    }
    assert "heard deep from success" in named(run, "end").log
    assert "***" in named(run, "The top / deep / say it").log


def test_a_matrix_of_callers_fails_where_one_of_its_jobs_does(start: Started, bare: Path) -> None:
    run = start(
        """
        call:
          strategy: {fail-fast: false, max-parallel: 1, matrix: {word: [good, bad]}}
          uses: ./.github/workflows/inner.yaml
          with: {word: "${{ matrix.word }}"}
        off: {if: inputs.publish, uses: ./.github/workflows/inner.yaml}
        after: {needs: call, runs-on: x, steps: [{run: echo}]}
        """
    )
    first = {job.name: job.id for job in run.jobs}
    assert shown(run) == {
        "call (good) / say it": "success",
        "call (good) / off": "skipped",
        "call (bad) / say it": "failure",
        "call (bad) / off": "skipped",
        "off": "skipped",
        "after": "skipped",
    }
    assert (run.conclusion, run.result("call")) == ("failure", "failure")
    assert named(run, "call (good) / say it").completed_at <= named(run, "call (bad) / say it").started_at  # type: ignore[operator]
    run.rerun_failed()
    assert run.wait(20)
    assert run.attempt == 2
    again = {job.name for job in run.jobs if job.id != first[job.name]}
    assert again == {"call (bad) / say it", "call (bad) / off", "after"}


def test_fail_fast_and_cancelling_reach_into_called_workflows(start: Started) -> None:
    jobs = """
        a:
          strategy: {matrix: {n: [0, 30]}}
          uses: ./.github/workflows/slow.yaml
          with: {n: "${{ matrix.n }}"}
        """
    assert shown(start(jobs)) == {"a (0) / a": "failure", "a (30) / a": "cancelled"}
    run = start(jobs.replace("[0, 30]", "[30]"), wait=False)
    run.cancel()
    assert run.wait(20)
    assert run.conclusion == "cancelled"


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("uses: acme/tools/.github/workflows/a.yaml@v1", "no workflow of another repository: acme/tools/"),
        ("uses: ./.github/workflows/none.yaml", "the workflow ./.github/workflows/none.yaml was not found"),
        ("uses: ./elsewhere/inner.yaml", "no workflow is called as './elsewhere/inner.yaml'"),
        ("uses: ./.github/workflows/push.yaml", "missing a `on.workflow_call` trigger"),
        ("uses: ./.github/workflows/inner.yaml, with: {nothing: 1}", "has no input nothing"),
        ("uses: ./.github/workflows/inner.yaml, with: {loud: 'true'}", "the input loud is a boolean, and 'true' is"),
        ("uses: ./.github/workflows/strict.yaml", "requires the input a"),
        ("uses: ./.github/workflows/strict.yaml, with: {a: 1}", "requires the secret S"),
        ("uses: lepton/platform/.github/workflows/inner.yaml@nope", "there is no ref nope"),
        ("uses: ./.github/workflows/round.yaml", "10 workflows deep"),
    ],
)
def test_what_cannot_be_called_fails_by_name(start: Started, job: str, said: str) -> None:
    run = start(f"a: {{{job}}}")
    assert run.conclusion == "failure"
    assert said in run.jobs[0].log


def test_the_repositorys_own_by_its_whole_name_is_read_at_that_ref(start: Started) -> None:
    run = start("a: {uses: lepton/platform/.github/workflows/inner.yaml@0.1.0, with: {word: x}}")
    assert shown(run) == {"a / say it": "success", "a / off": "skipped"}
