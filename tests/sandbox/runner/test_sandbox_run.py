"""Runs: order, matrix, conditions, cancelling, another attempt."""

from __future__ import annotations

import re
from pathlib import Path

from sandbox_runner import Started, alive, named, shown, wait_for

from release.sandbox.runner.run import WorkflowRun


def test_a_job_with_two_steps(start: Started) -> None:
    run = start("a: {runs-on: x, steps: [{run: echo one}, {run: echo two}]}")
    assert (run.status, run.conclusion, shown(run)) == ("completed", "success", {"a": "success"})
    (job,) = run.jobs
    assert [step.name for step in job.steps] == ["Set up job", "Run echo one", "Run echo two", "Complete job"]
    assert [step.number for step in job.steps] == [1, 2, 3, 4]
    assert {(step.status, step.conclusion) for step in job.steps} == {("completed", "success")}
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z one$", job.log, re.MULTILINE)
    assert "two" in job.steps[2].log
    assert "one" not in job.steps[2].log


def test_a_failure_skips_what_needs_it(start: Started) -> None:
    run = start(
        """
        bad:
          runs-on: x
          steps: [{run: "echo before; false; echo after"}, {run: echo never}, {run: echo late, if: always()}]
        good: {runs-on: x, steps: [{run: "true"}]}
        child: {needs: bad, runs-on: x, steps: [{run: "true"}]}
        grandchild: {needs: [child, good], runs-on: x, steps: [{run: "true"}]}
        regardless: {needs: [bad], if: always(), runs-on: x, steps: [{run: "echo ${{ needs.bad.result }}"}]}
        after: {needs: [regardless], runs-on: x, steps: [{run: "true"}]}
        alarm: {needs: [bad], if: failure(), runs-on: x, steps: [{run: "true"}]}
        """
    )
    assert run.conclusion == "failure"
    assert shown(run) == {
        "bad": "failure",
        "good": "success",
        "child": "skipped",
        "grandchild": "skipped",
        "regardless": "success",
        # GitHub's rule: success() looks at every ancestor.
        "after": "skipped",
        "alarm": "success",
    }
    bad = named(run, "bad")
    assert [step.conclusion for step in bad.steps] == ["success", "failure", "skipped", "success", "success"]
    assert "before" in bad.log
    assert "after" not in bad.steps[1].log.replace("echo after", "")
    assert "##[error]Process completed with exit code 1." in bad.log


def test_what_is_turned_off_is_skipped_and_a_run_of_nothing_else_too(start: Started) -> None:
    run = start("a: {if: inputs.publish, runs-on: x, strategy: {matrix: {p: [1, 2]}}, steps: [{run: 'false'}]}")
    assert (run.conclusion, shown(run)) == ("skipped", {"a": "skipped"})
    assert start("a: {if: inputs.publish, runs-on: x, steps: [{run: 'true'}]}", publish=True).conclusion == "success"


def test_continue_on_error(start: Started) -> None:
    run = start(
        """
        a:
          runs-on: x
          steps:
            - {id: one, run: "false", continue-on-error: true}
            - run: echo "${{ steps.one.outcome }} then ${{ steps.one.conclusion }}"
        b: {runs-on: x, continue-on-error: true, steps: [{run: exit 3}]}
        c: {needs: b, runs-on: x, steps: [{run: "echo b was ${{ needs.b.result }}"}]}
        """
    )
    assert run.conclusion == "success"
    assert "failure then success" in named(run, "a").log
    assert named(run, "b").conclusion == "failure"
    assert "b was success" in named(run, "c").log


def test_a_matrix(start: Started) -> None:
    run = start(
        """
        plan:
          runs-on: x
          outputs: {pythons: "${{ steps.p.outputs.pythons }}"}
          steps: [{id: p, run: 'echo "pythons=[\\"3.9\\", \\"3.10\\"]" >> "$GITHUB_OUTPUT"'}]
        test-package:
          needs: plan
          runs-on: x
          strategy:
            matrix:
              python: ${{ fromJSON(needs.plan.outputs.pythons) }}
              os: [a, b]
              exclude: [{python: "3.9", os: b}]
              include: [{python: "3.10", extra: e}, {python: "3.99"}]
          steps: [{run: 'echo "py ${{ matrix.python }} ${{ matrix.extra }} ${{ strategy.job-total }}"'}]
        named: {name: "py${{ matrix.v }}", runs-on: x, strategy: {matrix: {v: [3.10, true]}}, steps: [{run: 'true'}]}
        """
    )
    assert sorted(shown(run)) == [
        "plan",
        "py3.1",  # YAML's number, as on GitHub
        "pytrue",
        "test-package (3.10, a)",  # what include adds to a combination does not name it
        "test-package (3.10, b)",
        "test-package (3.9, a)",
        "test-package (3.99)",
    ]
    assert "py 3.10 e 4" in named(run, "test-package (3.10, a)").log


def test_fail_fast_cancels_the_others_of_a_matrix(start: Started) -> None:
    jobs = """
        a:
          runs-on: x
          strategy: {fail-fast: %s, matrix: {n: [0, 1, 2, 3]}}
          steps: [{run: "sleep ${{ matrix.n }}; test ${{ matrix.n }} != 0"}]
        """
    run = start(jobs % "true")
    assert run.conclusion == "failure"
    assert shown(run) == {"a (0)": "failure", "a (1)": "cancelled", "a (2)": "cancelled", "a (3)": "cancelled"}
    patient = start((jobs % "false").replace("sleep ${{ matrix.n }}", "true"))
    assert shown(patient) == {"a (0)": "failure", "a (1)": "success", "a (2)": "success", "a (3)": "success"}


def test_cancel_ends_what_runs_and_its_children(start: Started) -> None:
    run = start(
        """
        a:
          runs-on: x
          steps:
            - run: |
                sleep 60 & echo "child $!"
                wait
            - {run: echo cleaned up, if: always()}
            - {run: echo never}
        b: {needs: a, runs-on: x, steps: [{run: echo}]}
        """,
        wait=False,
    )
    wait_for(lambda: run.jobs and re.search(r"Z child \d+", run.jobs[0].log))
    assert (run.status, run.conclusion, run.jobs[0].status) == ("in_progress", None, "in_progress")
    run.cancel()
    assert run.wait(10)
    assert run.conclusion == "cancelled"
    assert [step.conclusion for step in run.jobs[0].steps[1:4]] == ["cancelled", "success", "skipped"]
    assert "cleaned up" in run.jobs[0].log
    assert shown(run)["b"] == "skipped"
    child = int(re.findall(r"Z child (\d+)", run.jobs[0].log)[0])
    wait_for(lambda: not alive(child))


def test_a_second_cancel_ends_what_runs_always(start: Started) -> None:
    run = start("a: {runs-on: x, steps: [{run: sleep 60}, {run: echo still; sleep 60, if: always()}]}", wait=False)
    wait_for(lambda: run.jobs and run.jobs[0].steps[1].status == "in_progress")
    run.cancel()
    wait_for(lambda: "Z still" in run.jobs[0].log)
    run.cancel()
    assert run.wait(10)
    assert run.conclusion == "cancelled"


def test_rerun_failed_runs_only_what_failed_and_what_needs_it(start: Started, tmp_path: Path) -> None:
    run = start(
        f"""
        good: {{runs-on: x, steps: [{{run: echo}}]}}
        legs:
          needs: good
          runs-on: x
          strategy: {{fail-fast: false, matrix: {{n: [1, 2]}}}}
          steps: [{{run: "test ${{{{ matrix.n }}}} = 1 || test -e {tmp_path}/repaired"}}]
        after: {{needs: legs, runs-on: x, steps: [{{run: 'echo "attempt $GITHUB_RUN_ATTEMPT"'}}]}}
        """
    )
    assert shown(run) == {"good": "success", "legs (1)": "success", "legs (2)": "failure", "after": "skipped"}
    first = {job.name: job.id for job in run.jobs}
    (tmp_path / "repaired").touch()
    run.rerun_failed()
    assert run.wait(10)
    assert (run.attempt, run.conclusion) == (2, "success")
    assert shown(run) == dict.fromkeys(first, "success")
    same = {job.name for job in run.jobs if job.id == first[job.name]}
    assert same == {"good", "legs (1)"}
    assert "attempt 2" in named(run, "after").log
    run.rerun()
    assert run.wait(10)
    assert run.attempt == 3
    assert not {job.id for job in run.jobs} & set(first.values())


def most_at_once(run: WorkflowRun) -> int:
    times = [(job.started_at, job.completed_at) for job in run.jobs]
    return max(sum(begun <= at < ended for begun, ended in times if begun and ended) for at, _ in times if at)


def test_two_jobs_run_at_once_and_fewer_if_the_matrix_says_so(start: Started) -> None:
    jobs = "a: {runs-on: x, strategy: {%s matrix: {n: [1, 2, 3, 4]}}, steps: [{run: sleep 0.1}]}"
    assert most_at_once(start(jobs % "")) == 2
    assert most_at_once(start(jobs % "max-parallel: 1,")) == 1


def test_nothing_is_left_in_the_folder_but_artifacts(start: Started) -> None:
    run = start("a: {runs-on: x, steps: [{run: echo x > f}, {uses: actions/upload-artifact@v4, with: {path: f}}]}")
    assert [path.name for path in run.folder.rglob("*") if path.is_file()] == ["artifact.zip"]
