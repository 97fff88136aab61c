"""Steps: their values, environment, shells, logs and limits."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from sandbox_runner import Started, alive, named, shown, wait_for


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


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("runs-on: x, steps: [{uses: acme/build@v6}]", "the action acme/build@v6"),
        ("runs-on: x, steps: [{uses: ./local}]", "Can't find 'action.yml'"),
        ("runs-on: x, steps: [{uses: actions/checkout@v4, with: {submodules: true}}]", "submodules"),
        ("runs-on: x, steps: [{uses: actions/checkout@v4, with: {repository: a/b}}]", "another repository: a/b"),
        ("runs-on: x, services: {db: {image: x}}, steps: [{run: echo}]", "`services`"),
        ("runs-on: x, container: x, steps: [{run: echo}]", "`container`"),
        ("runs-on: windows-latest, steps: [{run: echo}]", "no runner for windows-latest"),
        ("runs-on: x, steps: [{run: echo, shell: pwsh}]", "the shell 'pwsh'"),
        ("runs-on: x, steps: [{run: echo, background: true}]", "`background` in a step"),
        ("runs-on: x, if: hashFiles('a'), steps: [{run: echo}]", "jobs.a: depends on hashFiles()"),
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


def test_a_background_process_ends_with_its_step(start: Started) -> None:
    run = start("a: {runs-on: x, steps: [{run: 'sleep 60 & echo child $!', timeout-minutes: 0.5}]}")
    assert run.conclusion == "success", "nobody waited for it"
    child = int(re.findall(r"Z child (\d+)", run.jobs[0].log)[0])
    wait_for(lambda: not alive(child))


def test_hash_files_is_the_hash_of_the_hashes_of_the_files_below_the_workspace(start: Started) -> None:
    run = start(
        """
        a:
          runs-on: x
          steps:
            - run: mkdir -p deep/er && echo 1 > a.lock && echo 2 > deep/er/b.lock && echo 3 > deep/c
            - run: echo "<${{ hashFiles('**/*.lock', '!a.lock') }}> <${{ hashFiles('deep/**', './a.*') }}>"
            - run: echo "<${{ hashFiles('none', '../*') }}> <${{ hashFiles(format('{0}/deep', github.workspace)) }}>"
        """
    )
    one, two, three = (hashlib.sha256(f"{number}\n".encode()).digest() for number in (1, 2, 3))
    below = [b"".join(found) for found in ([two], [one, three, two], [three, two])]
    first, every, folder = (hashlib.sha256(found).hexdigest() for found in below)
    assert f"<{first}> <{every}>" in named(run, "a").log
    assert f"<> <{folder}>" in named(run, "a").log


def test_set_output_is_still_honoured(start: Started) -> None:
    run = start(
        """
        a:
          runs-on: x
          steps:
            - {id: s, run: 'echo "::set-output name=wheel::a%0Ab"; echo other=1 >> "$GITHUB_OUTPUT"'}
            - {id: t, run: echo none}
            - run: echo '<${{ toJSON(steps.s.outputs.wheel) }} ${{ steps.s.outputs.other }}>'
            - run: echo '(${{ steps.t.outputs.wheel }})'
        """
    )
    assert '<"a\\nb" 1>' in run.jobs[0].log
    assert "Z ()" in run.jobs[0].log
    assert "deprecated" in run.jobs[0].log
