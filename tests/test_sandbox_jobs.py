"""Workflows really run: order, matrix, conditions, logs, artifacts, cancelling, another attempt."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from release.sandbox.jobs import InvalidWorkflow, Job, WorkflowRun, parse_workflow
from release.sandbox.pythons import installed

HEAD = """
name: Sample
on:
  workflow_dispatch:
    inputs:
      version: {type: string, required: true}
      publish: {type: boolean, default: false}
      count: {type: number, default: 3}
env: {LEVEL: workflow, TOP: "1"}
"""
Started = Callable[..., WorkflowRun]


def git(folder: Path, *arguments: str) -> str:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("origin")
    work = folder / "work"
    work.mkdir()
    git(work, "init", "--quiet", "-b", "main")
    for number in (1, 2):
        (work / "file.txt").write_text(f"{number}\n")
        git(work, "add", ".")
        git(work, "commit", "--quiet", "-m", f"commit {number}")
        git(work, "tag", "-a", "-m", "tag", f"0.{number}.0")
    git(work, "clone", "--quiet", "--bare", str(work), str(folder / "bare.git"))
    return folder / "bare.git"


@pytest.fixture
def start(bare: Path, tmp_path: Path) -> Started:
    def begin(jobs: str, ref: str = "refs/heads/main", wait: bool = True, **given: Any) -> WorkflowRun:
        text = HEAD + "jobs:\n" + textwrap.indent(textwrap.dedent(jobs), "  ")
        context = {
            "github": {
                "repository": "lepton/platform",
                "actor": "me",
                "run_id": "7",
                "server_url": "http://127.0.0.1:1",
            },
            "vars": {"BUCKET": "b"},
            "secrets": {"TOKEN": "hush-hush"},
        }
        run = WorkflowRun(
            parse_workflow(text, ".github/workflows/sample.yaml"),
            bare,
            git(bare, "rev-parse", ref + "^{commit}"),
            ref,
            "workflow_dispatch",
            {"version": "0.7.0", **given},
            {"AWS_REGION": "us-east-1"},
            tmp_path / "run",
            context,
        )
        run.start()
        if wait:
            assert run.wait(30)
        return run

    return begin


def named(run: WorkflowRun, name: str) -> Job:
    return next(job for job in run.jobs if job.name == name)


def shown(run: WorkflowRun) -> dict[str, str | None]:
    return {job.name: job.conclusion for job in run.jobs}


def test_a_job_with_two_steps_is_quick(start: Started) -> None:
    begun = time.monotonic()
    run = start("a: {runs-on: x, steps: [{run: echo one}, {run: echo two}]}")
    assert time.monotonic() - begun < 0.5
    assert (run.status, run.conclusion, shown(run)) == ("completed", "success", {"a": "success"})
    (job,) = run.jobs
    assert [step.name for step in job.steps] == ["Set up job", "Run echo one", "Run echo two", "Complete job"]
    assert [step.number for step in job.steps] == [1, 2, 3, 4]
    assert {(step.status, step.conclusion) for step in job.steps} == {("completed", "success")}
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z one$", job.log, re.MULTILINE)
    assert "two" in job.steps[2].log
    assert "one" not in job.steps[2].log


def test_values_flow_through_inputs_env_steps_and_jobs(start: Started) -> None:
    run = start(
        """
        make:
          runs-on: ubuntu-latest
          env: {LEVEL: job, NEXT: "${{ inputs.version }}-${{ inputs.count }}"}
          outputs:
            answer: ${{ steps.one.outputs.answer }}
            many: ${{ steps.one.outputs.many }}
          steps:
            - id: one
              env: {LEVEL: step}
              run: |
                echo "answer=$LEVEL/$TOP/$NEXT" >> "$GITHUB_OUTPUT"
                printf 'many<<END\\na\\nb\\nEND\\n' >> "$GITHUB_OUTPUT"
                echo "LEVEL=set" >> "$GITHUB_ENV"
                mkdir tools && printf '#!/bin/sh\\necho from a tool\\n' > tools/my-tool && chmod +x tools/my-tool
                echo "$PWD/tools" >> "$GITHUB_PATH"
                echo "# Done" >> "$GITHUB_STEP_SUMMARY"
            - run: echo "now $LEVEL ${{ env.LEVEL }} ${{ steps.one.outcome }}"; my-tool
              if: inputs.publish == false && steps.one.outputs.answer != ''
            - run: exit 1
              if: inputs.publish
        use:
          needs: make
          runs-on: [self-hosted, linux]
          steps:
            - run: echo "got ${{ needs.make.outputs.answer }} ${{ toJSON(needs.make.outputs.many) }} ${{ vars.BUCKET }}"
        """
    )
    assert shown(run) == {"make": "success", "use": "success"}
    make = named(run, "make")
    assert "now set set success" in make.log
    assert "from a tool" in make.log
    assert make.steps[1].summary == "# Done\n"
    assert make.steps[3].conclusion == "skipped"
    assert 'got step/1/0.7.0-3 "a\\nb" b' in named(run, "use").log


def test_the_environment_is_github_s_and_clean(start: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET_SHELL_VARIABLE", "leaks")
    run = start(
        """
        a:
          runs-on: x
          steps:
            - run: env | sort; cat "$GITHUB_EVENT_PATH"; pwd
              shell: bash
        """,
        ref="refs/tags/0.1.0",
        publish="true",
    )
    log = re.sub(r"(?m)^\S+ ", "", run.jobs[0].log)
    found = dict(line.partition("=")[::2] for line in log.splitlines() if "=" in line)
    assert "leaks" not in log
    assert {
        name: found[name] for name in ("GITHUB_REF", "GITHUB_REF_NAME", "GITHUB_REF_TYPE", "CI", "GITHUB_ACTIONS")
    } == {
        "GITHUB_REF": "refs/tags/0.1.0",
        "GITHUB_REF_NAME": "0.1.0",
        "GITHUB_REF_TYPE": "tag",
        "CI": "true",
        "GITHUB_ACTIONS": "true",
    }
    assert found["GITHUB_SHA"] == run.sha
    assert found["GITHUB_WORKSPACE"] in log.splitlines()
    assert found["GITHUB_WORKFLOW_REF"] == "lepton/platform/.github/workflows/sample.yaml@refs/tags/0.1.0"
    assert (found["GITHUB_JOB"], found["GITHUB_RUN_ID"], found["GITHUB_RUN_ATTEMPT"]) == ("a", "7", "1")
    assert (found["GITHUB_ACTOR"], found["GITHUB_EVENT_NAME"]) == ("me", "workflow_dispatch")
    assert (found["AWS_REGION"], found["RUNNER_NAME"]) == ("us-east-1", "sandbox")
    assert '"publish": "true"' in log
    assert Path(found["HOME"]).is_relative_to(run.folder)


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
        "test-package (3.10, a, e)",
        "test-package (3.10, b, e)",
        "test-package (3.9, a)",
        "test-package (3.99)",
    ]
    assert "py 3.10 e 4" in named(run, "test-package (3.10, a, e)").log


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


def test_checkout_is_at_the_run_s_commit(start: Started, bare: Path) -> None:
    jobs = """
        a:
          runs-on: x
          steps:
            - uses: actions/checkout@0123456789012345678901234567890123456789 # v4
              with: {fetch-depth: %d}
            - run: |
                echo "head $(git rev-parse HEAD) file $(cat file.txt)"
                echo "tags $(git tag | tr '\\n' ' ') commits $(git rev-list --count HEAD)"
                echo "on $(git branch --show-current) from $(git remote get-url origin)"
        """
    log = start(jobs % 1).jobs[0].log
    assert f"head {git(bare, 'rev-parse', 'main')} file 2" in log
    assert "tags  commits 1" in log
    assert "on main from http://127.0.0.1:1/lepton/platform" in log
    log = start(jobs % 0, ref="refs/tags/0.1.0").jobs[0].log
    assert f"head {git(bare, 'rev-parse', '0.1.0^{commit}')} file 1" in log
    assert "tags 0.1.0 0.2.0  commits 1" in log
    assert "on  from" in log
    assert "tags 0.1.0  commits 1" in start(jobs % 1, ref="refs/tags/0.1.0").jobs[0].log


def test_checkout_of_a_commit_that_its_branch_left_behind(start: Started, bare: Path) -> None:
    run = start(
        """
        a:
          runs-on: x
          steps:
            - {uses: actions/checkout@v4, with: {ref: 0.1.0, path: old}}
            - {uses: actions/checkout@v4, with: {ref: refs/heads/main, path: new, fetch-depth: 0}}
            - run: cat old/file.txt new/file.txt; git -C old rev-parse HEAD
            - {uses: actions/checkout@v4, with: {ref: nothing}}
        """
    )
    assert git(bare, "rev-parse", "0.1.0^{commit}") in run.jobs[0].steps[3].log
    assert "A branch or tag with the name 'nothing' could not be found" in run.jobs[0].steps[4].log


def test_artifacts_pass_files_between_jobs(start: Started) -> None:
    run = start(
        """
        make:
          runs-on: x
          steps:
            - run: mkdir -p dist/deep; echo wheel > dist/a.whl; echo other > dist/deep/b.txt; echo h > dist/.hidden
            - {uses: actions/upload-artifact@v4, with: {name: wheel, path: "dist/*.whl", if-no-files-found: error}}
            - {uses: actions/upload-artifact@v4, with: {name: tree, path: dist/}}
        use:
          needs: make
          runs-on: x
          steps:
            - {uses: actions/download-artifact@v4, with: {name: wheel, path: got}}
            - {uses: actions/download-artifact@v4, with: {pattern: "t*", path: all}}
            - {uses: actions/download-artifact@v4, with: {path: flat, merge-multiple: true}}
            - run: find . -type f | sort | tr '\\n' ' '
            - {uses: actions/upload-artifact@v4, with: {name: wheel, path: got}}
        """
    )
    log = named(run, "use").log
    assert "./all/tree/a.whl ./all/tree/deep/b.txt ./flat/a.whl ./flat/deep/b.txt ./got/a.whl" in log
    assert "already exists" in log
    with zipfile.ZipFile(run.artifacts["wheel"]) as archive:
        assert archive.namelist() == ["a.whl"]


def test_an_artifact_without_files(start: Started) -> None:
    jobs = (
        "a: {runs-on: x, steps: [{uses: actions/upload-artifact@v4, with: {path: none/*.whl, if-no-files-found: %s}}]}"
    )
    assert start(jobs % "warn").conclusion == "success"
    assert start(jobs % "error").conclusion == "failure"


def test_setup_python(start: Started) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    run = start(
        """
        a:
          runs-on: x
          steps:
            - {uses: actions/setup-python@v5, id: py, with: {python-version: "VERSION"}}
            - run: |
                python -c 'import sys; print("runs", sys.version.split()[0])'
                command -v inv; echo "found ${{ steps.py.outputs.python-path }} $pythonLocation"
            - {uses: actions/setup-python@v5, with: {python-version: "3.99"}}
        """.replace("VERSION", version)
    )
    log = run.jobs[0].log
    assert f"runs {sys.version.split()[0]}" in log
    assert f"found {sys.executable} /" in log
    assert str(Path(sys.executable).parent / "inv") in log
    assert "##[error]Python 3.99 is not on this machine" in log
    assert run.conclusion == "failure"


def test_setup_python_of_another_version_keeps_the_tasks_at_hand(start: Started) -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    others = [version for version in installed(["3.10", "3.11", "3.12", "3.13"]) if version != here]
    if not others:
        pytest.skip("this machine has one Python only")
    run = start(
        """
        a:
          runs-on: x
          steps:
            - {uses: actions/setup-python@v5, with: {python-version: "VERSION"}}
            - run: |
                python -c 'import sys; print("runs %d.%d" % sys.version_info[:2])'
                pythonVERSION -m venv --without-pip made && made/bin/python -c 'import sys; print("made", sys.prefix)'
                command -v inv
        """.replace("VERSION", others[0])
    )
    assert run.conclusion == "success", run.jobs[0].log
    assert f"runs {others[0]}" in run.jobs[0].log
    assert re.search(r"Z made /.*/work/made\n", run.jobs[0].log)
    assert str(Path(sys.executable).parent / "inv") in run.jobs[0].log


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("runs-on: x, steps: [{uses: docker/build-push-action@v6}]", "the action docker/build-push-action@v6"),
        ("runs-on: x, steps: [{uses: ./local}]", "the action ./local"),
        ("runs-on: x, steps: [{uses: actions/checkout@v4, with: {submodules: true}}]", "submodules"),
        ("runs-on: x, steps: [{uses: actions/checkout@v4, with: {repository: a/b}}]", "another repository: a/b"),
        ("uses: a/b/.github/workflows/c.yaml@v1", "`uses` in a job"),
        ("runs-on: x, services: {db: {image: x}}, steps: [{run: echo}]", "`services`"),
        ("runs-on: x, container: x, steps: [{run: echo}]", "`container`"),
        ("runs-on: windows-latest, steps: [{run: echo}]", "no runner for windows-latest"),
        ("runs-on: x, steps: [{run: echo, shell: pwsh}]", "the shell 'pwsh'"),
        ("runs-on: x, steps: [{run: echo, if: hashFiles('a')}]", "hashfiles() is not supported"),
        ("runs-on: x, if: hashFiles('a'), steps: [{run: echo}]", "jobs.a: the function hashfiles()"),
        ("runs-on: x, steps: [{run: 'echo ${{ nope.x }}'}]", "unrecognized named-value: 'nope'"),
        ("runs-on: x, strategy: {matrix: {p: []}}, steps: [{run: echo}]", "matrix vector 'p'"),
        ("runs-on: x, steps: [{run: echo x >> $GITHUB_OUTPUT}]", "invalid format 'x'"),
        ("runs-on: x, steps: [{run: echo, working-directory: none}]", "working directory does not exist: none"),
        ("runs-on: x, steps: [{uses: aws-actions/configure-aws-credentials@v4}]", "no local AWS endpoint"),
    ],
)
def test_what_it_does_not_support_fails_the_job_and_is_named(start: Started, job: str, said: str) -> None:
    run = start(f"a: {{{job}}}\nb: {{runs-on: x, steps: [{{run: 'true'}}]}}")
    assert shown(run) == {"a": "failure", "b": "success"}
    assert any("##[error]" in line and said in line for line in named(run, "a").log.splitlines())


def test_secrets_are_masked(start: Started) -> None:
    run = start(
        """
        a:
          runs-on: x
          env: {T: "${{ secrets.TOKEN }}"}
          steps:
            - run: echo "it is $T, ${{ secrets.TOKEN }}"; echo "::add-mask::walrus"; echo "a walrus"
            - run: echo "::group::G"; echo "::error file=a.py,line=1::broken%0Atwice"; echo "::set-env name=A::b"
        """
    )
    log = run.jobs[0].log
    assert "hush-hush" not in log
    assert "it is ***, ***" in log
    assert " a ***\n" in log
    assert "##[group]G" in log
    assert "##[error]broken" in log
    assert "does not support the workflow command 'set-env'" in log


def test_defaults_and_shells(start: Started) -> None:
    run = start(
        """
        a:
          runs-on: x
          defaults: {run: {working-directory: sub, shell: bash}}
          steps:
            - {run: mkdir sub, working-directory: .}
            - run: basename "$PWD"; false | true; echo not here
            - {run: "print('from python')", shell: python, if: failure()}
            - {run: "echo $0", shell: "sh -e {0}", if: failure()}
        """
    )
    assert [step.conclusion for step in run.jobs[0].steps[1:5]] == ["success", "failure", "success", "success"]
    assert "from python" in run.jobs[0].log
    assert "not here" not in run.jobs[0].steps[2].log.replace("echo not here", "")


def test_time_is_limited(start: Started) -> None:
    run = start("a: {runs-on: x, steps: [{run: sleep 60, timeout-minutes: 0.005}, {run: echo late, if: failure()}]}")
    assert run.conclusion == "failure"
    assert "timed out" in run.jobs[0].log
    assert run.jobs[0].steps[2].conclusion == "success"
    run = start("a: {runs-on: x, timeout-minutes: 0.005, steps: [{run: sleep 60}]}")
    assert (run.conclusion, run.jobs[0].conclusion) == ("cancelled", "cancelled")


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # One that has ended may still wait for its new parent to take notice.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()


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


def test_a_background_process_ends_with_its_step(start: Started) -> None:
    begun = time.monotonic()
    run = start("a: {runs-on: x, steps: [{run: 'sleep 60 & echo child $!'}]}")
    assert time.monotonic() - begun < 5
    assert run.conclusion == "success"
    child = int(re.findall(r"Z child (\d+)", run.jobs[0].log)[0])
    wait_for(lambda: not alive(child))


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
    assert [[job.conclusion for job in jobs] for jobs in run.earlier] == [["success", "success", "failure", "skipped"]]
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("on: push", "no jobs"),
        ("jobs: {a: {runs-on: x, steps: [{run: x}]}}", "no event triggers"),
        ("on: push\njobs: {a: {runs-on: x}}", "no steps defined"),
        ("on: push\njobs: {a: {steps: [{run: x}]}}", "runs-on"),
        ("on: push\njobs: {a: {runs-on: x, steps: [{}]}}", "either `uses` or `run`"),
        ("on: push\njobs: {a: {runs-on: x, needs: b, steps: [{run: x}]}}", "unknown job 'b'"),
        ("on: push\njobs: {a: {runs-on: x, needs: a, steps: [{run: x}]}}", "circle"),
        ("on: push\njobs: {a: {runs-on: x, step: 1, steps: [{run: x}]}}", "unexpected value 'step'"),
        ("on: push\njobs: {a: {runs-on: x, steps: [{run: x, user: y}]}}", "unexpected value 'user'"),
        ("on: push\non: pull_request\njobs: {}", "there twice"),
        ("on: [", "line"),
        ("- a", "expected a mapping"),
    ],
)
def test_what_github_refuses_before_it_starts(text: str, said: str) -> None:
    with pytest.raises(InvalidWorkflow, match=said):
        parse_workflow(text)


def test_yaml_is_read_as_github_reads_it() -> None:
    workflow = parse_workflow(
        """
        on: {push: {tags: ['[0-9]+.[0-9]+.[0-9]+']}, workflow_dispatch: }
        env: {A: yes, B: 2026-11-22, C: 1:30, D: 0o17, E: 3.10, F: ~, G: true, H: 007}
        jobs: {a: {runs-on: x, steps: [{run: x}]}}
        """,
        "w.yaml",
    )
    assert workflow.triggers == {"push": {"tags": ["[0-9]+.[0-9]+.[0-9]+"]}, "workflow_dispatch": {}}
    assert workflow.env == {"A": "yes", "B": "2026-11-22", "C": "1:30", "D": 15, "E": 3.1, "F": None, "G": True, "H": 7}
    assert workflow.name == "w.yaml"
