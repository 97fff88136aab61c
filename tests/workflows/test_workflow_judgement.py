"""What a workflow file promises, judged before a run is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.errors import Failed, Usage
from release.workflows import IMAGE, SDK, Judgement, Source, check_judgement, image_rules, judge

SENT = {"publish_s3": True, "is_release": True}
ROLES = ["build-package", "test-package*", "publish-s3|publish-package", "publish-pypi?publish_pypi"]
SDK_FILE = """\
name: sdk-release
on:
  push:
    branches: [main]
  workflow_dispatch:
    inputs:
      publish_s3: {type: boolean, default: true}
      publish_pypi: {type: boolean, default: false}
      is_release: {type: boolean, default: false}
      run_e2e: {type: boolean}
jobs:
  build-package:
    runs-on: ubuntu-latest
    steps: [{run: pip wheel .}]
  test-package:
    needs: build-package
    runs-on: ubuntu-latest
    strategy: {matrix: {python: ["3.9", "3.10"]}}
    steps: [{run: pytest}]
  publish-s3:
    if: github.event_name == 'push' || inputs.publish_s3
    needs: [build-package, test-package]
    runs-on: ubuntu-latest
    steps: [{run: upload}]
  publish-pypi:
    if: ${{ inputs.publish_pypi }}
    needs: test-package
    runs-on: ubuntu-latest
    steps: [{run: upload}]
"""
IMAGE_FILE = """\
on:
  workflow_dispatch:
    inputs:
      version: {description: the image's version, required: true}
      is_release: {type: boolean, default: false}
      build_base: {type: boolean, default: false}
jobs:
  build_matrix: {runs-on: ubuntu-latest, steps: [{run: docker build .}]}
"""


def judged(text: str, sent: Any = SENT, roles: Any = ROLES, rules: Any = SDK, ref: str = "0.7.0") -> Judgement:
    return judge(Source(text.encode(), ref, "sdk-release.yaml"), sent, roles, rules)


def changed(old: str, new: str, text: str = SDK_FILE) -> str:
    assert old in text
    return text.replace(old, new)


def inputs_file(inputs: str) -> str:
    return f"on: {{workflow_dispatch: {{inputs: {inputs}}}}}\njobs: {{a: {{runs-on: x}}}}\n"


def test_a_sound_file() -> None:
    found = judged(SDK_FILE)
    assert (found.problems, found.notes) == ([], [])
    assert found.inputs == {"publish_s3": True, "publish_pypi": False, "is_release": True, "run_e2e": False}
    check_judgement(found)


def test_an_image_file_with_its_rules() -> None:
    found = judged(IMAGE_FILE, {"version": "0.7.0", "is_release": True}, [], IMAGE)
    assert (found.problems, found.notes) == ([], [])


def test_messages_say_where_and_how_to_look() -> None:
    found = judged(changed("  publish-s3:", "  publish:"), ref="refs/tags/0.7.0")
    with pytest.raises(Failed) as failure:
        check_judgement(found)
    assert failure.value.problem == "at 0.7.0, sdk-release.yaml has no job publish-s3 or publish-package"
    assert failure.value.hint == "git show refs/tags/0.7.0:.github/workflows/sdk-release.yaml"


def test_what_the_call_got_wrong_is_usage() -> None:
    with pytest.raises(Usage, match=r"at 0\.7\.0, sdk-release\.yaml does not know the input speed"):
        check_judgement(judged(SDK_FILE, {**SENT, "speed": 1}))


FILES = [
    (None, "does not exist"),
    (b"on: [", "is no valid YAML: line 1"),
    (b"on: push\non: workflow_dispatch\n", "is no valid YAML: line 2, column 1: 'on' is there twice"),
    (b"", "is no workflow"),
    (b"[on]", "is no workflow"),
    (b"on: push\njobs: {a: {runs-on: x}}", "has no workflow_dispatch"),
    (b"on: [push, pull_request]\njobs: {a: {runs-on: x}}", "has no workflow_dispatch"),
    (b"jobs: {a: {runs-on: x}}", "has no workflow_dispatch"),
    (b"true: workflow_dispatch\njobs: {a: {runs-on: x}}", "has no workflow_dispatch"),
    (b"on: workflow_dispatch", "has no jobs"),
    (b"on: workflow_dispatch\njobs: {}", "has no jobs"),
    (b"on: workflow_dispatch\njobs: [a]", "has no jobs"),
    (b"on: workflow_dispatch\njobs: {a: {}}", "says of job a neither"),
    (b"on: workflow_dispatch\njobs: {a: }", "says of job a neither"),
    (b"on: workflow_dispatch\njobs: {a b: {runs-on: x}}", "impossible key: 'a b'"),
]


@pytest.mark.parametrize(("text", "problem"), FILES)
def test_files_that_cannot_run(text: bytes | None, problem: str) -> None:
    with pytest.raises(Failed, match=r"^at 0\.6\.1, image\.yaml ") as failure:
        check_judgement(judge(Source(text, "0.6.1", "image.yaml"), {}))
    assert problem in failure.value.problem


@pytest.mark.parametrize(
    "on", ["workflow_dispatch", "[push, workflow_dispatch]", "{workflow_dispatch: }", "{workflow_dispatch: {inputs: }}"]
)
@pytest.mark.parametrize("key", ["on", '"on"'])
def test_every_way_to_write_the_trigger(on: str, key: str) -> None:
    assert judged(f"{key}: {on}\njobs: {{a: {{runs-on: x}}}}\n", {}, [], ()).problems == []


SENDABLE = [
    ("{type: boolean}", [True, False, "true", "false"], ["yes", "", 1, 0, 1.5, "True"]),
    ("{type: number}", [1, 1.5, "1.5", "0x1F", 0], [True, "", "many", "1,5"]),
    ("{type: string}", ["", "0.7", "true"], [True, 7, 0.7]),
    ("{type: choice, options: [a, 3.10, true]}", ["a", "3.1", 3.1, "true", True], ["3.10", "b", ""]),
    ("{type: environment}", ["staging"], ["", True, 3]),
    ("{description: old}", ["x", True, 7], []),
    ("", ["x", True, 7], []),
]


@pytest.mark.parametrize(("declared", "good", "bad"), SENDABLE)
def test_types_of_inputs(declared: str, good: list[Any], bad: list[Any]) -> None:
    text = inputs_file(f"{{speed: {declared}}}")
    for value in good:
        assert judged(text, {"speed": value}, [], ()).problems == [], value
    for value in bad:
        found = judged(text, {"speed": value}, [], ())
        assert len(found.refused) == 1, value
        assert f"for speed, not {value!r}" in found.refused[0]
        assert found.broken == []


def test_an_input_without_a_type_is_said_to_be_text() -> None:
    found = judged(inputs_file("{is_release: }"), {"is_release": True}, [], SDK)
    assert (found.problems, found.notes) == ([], ["takes is_release as text: True is compared as such"])
    assert found.inputs == {"is_release": "true"}


REQUIRED = [
    ("{required: true}", {}, False),
    ("{required: true}", {"version": ""}, False),
    ("{required: true}", {"version": "1"}, True),
    ("{required: true, default: 1}", {}, True),
    ("{required: true, default: ''}", {}, False),
    ("{required: false}", {}, True),
    ("{type: boolean, required: true}", {}, False),
    ("{type: boolean, required: true, default: false}", {}, True),
    ("{type: boolean, required: true}", {"version": False}, True),
]


@pytest.mark.parametrize(("declared", "sent", "fine"), REQUIRED)
def test_required_inputs(declared: str, sent: Any, fine: bool) -> None:
    found = judged(inputs_file(f"{{version: {declared}}}"), sent, [], ())
    assert found.problems == ([] if fine else ["requires the input version"])


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ("[a]", "declares inputs that are no mapping"),
        ("{a b: }", "impossible name: 'a b'"),
        ("{a: {type: choice}}", "declares the choice a without options"),
        ("{a: {type: bool}}", "unknown type 'bool'"),
        ("{" + ", ".join(f"a{n}: " for n in range(26)) + "}", "declares 26 inputs, GitHub takes 25"),
    ],
)
def test_inputs_that_no_file_can_declare(inputs: str, problem: str) -> None:
    found = judged(inputs_file(inputs), {}, [], ())
    assert problem in "; ".join(found.broken)


def test_limits_of_inputs() -> None:
    assert judged(inputs_file("{" + ", ".join(f"a{n}: " for n in range(25)) + "}"), {}, [], ()).problems == []
    assert judged(inputs_file("{a: }"), {"a": "x" * 65_534}, [], ()).problems == []
    assert "65535 characters" in judged(inputs_file("{a: }"), {"a": "x" * 65_535}, [], ()).refused[0]


USELESS = [
    (
        SDK_FILE,
        {"publish_s3": True},
        SDK,
        "with is_release off, as it is unless sent: nothing is published under release/",
    ),
    (SDK_FILE, {"is_release": False}, SDK, "with is_release off: nothing is published under release/"),
    (SDK_FILE, {"is_release": "false"}, SDK, "with is_release off: nothing is published"),
    (
        IMAGE_FILE,
        {"version": "0.7.0"},
        IMAGE,
        "with is_release off, as it is unless sent: the run is green and pushes nothing",
    ),
    (
        IMAGE_FILE,
        {"version": "1", "is_release": True, "build_base": True},
        IMAGE,
        "with build_base on: it pushes unversioned",
    ),
    (
        changed(
            "build_base: {type: boolean, default: false}", "build_base: {type: boolean, default: true}", IMAGE_FILE
        ),
        {"version": "1", "is_release": True},
        IMAGE,
        "with build_base on, as it is unless sent: it pushes unversioned images again",
    ),
]


@pytest.mark.parametrize(("text", "sent", "rules", "problem"), USELESS)
def test_f21_runs_that_would_be_useless(text: str, sent: Any, rules: Any, problem: str) -> None:
    found = judged(text, sent, [], rules)
    with pytest.raises(Usage) as failure:
        check_judgement(found)
    assert problem in failure.value.problem
    assert failure.value.hint == next(rule.hint for rule in rules if rule.input in problem)


def test_build_base_with_leave() -> None:
    sent = {"version": "1", "is_release": True, "build_base": True}
    assert judged(IMAGE_FILE, sent, [], image_rules(build_base=True)).problems == []
    assert judged(IMAGE_FILE, sent, [], image_rules(build_base=False)).problems != []


def test_old_files_do_not_know_todays_inputs() -> None:
    old = "on: {workflow_dispatch: {inputs: {version: {description: v}}}}\njobs: {a: {runs-on: x}}\n"
    assert judged(old, {"version": "1", "is_release": True}, [], IMAGE).refused == [
        "does not know the input is_release"
    ]
    assert judged(old, {"version": "1", "is_release": True}, [], IMAGE).notes == []
    found = judged(old, {"version": "1"}, [], IMAGE)
    assert found.problems == []
    assert found.notes == ["has no input is_release: whether the run is green and pushes nothing cannot be judged"]


ROLE_FILES = [
    ("  build-package:\n", "  build:\n", "needs build-package, which is not there"),
    ("    needs: build-package\n", "    needs: [build-package, lint]\n", "test-package that needs lint, which is not"),
    ("    needs: build-package\n", "    needs: publish-s3\n", "jobs that need each other: "),
    (
        "    needs: build-package\n",
        "    needs: test-package\n",
        "jobs that need each other: test-package → test-package",
    ),
    (
        "  build-package:\n",
        "  build-package:\n    name: Build\n",
        "shows job build-package as 'Build', which is not build-p",
    ),
    ("  build-package:\n", "  build-package:\n    if: false\n", "would skip job build-package (if: false)"),
    ("  publish-s3:\n", "  publish:\n", "has no job publish-s3 or publish-package"),
]


@pytest.mark.parametrize(("old", "new", "problem"), ROLE_FILES)
def test_jobs_that_cannot_play_their_roles(old: str, new: str, problem: str) -> None:
    found = judged(changed(old, new))
    assert problem in "; ".join(found.broken)
    with pytest.raises(Failed):
        check_judgement(found)


NAMES = [
    ("test-package", "Test on ${{ matrix.python }}", None),
    ("test-package", "test-package on ${{ matrix.python }}", []),
    ("test-package", "test-${{ inputs.run_e2e && 'e2e' || 'package' }} it", []),
    (
        "test-package",
        "${{ matrix.title }}",
        ["cannot be judged: whether test-package* is one of test-package (${{ matrix.title }})"],
    ),
    ("test-package", "test-*", None),
    ("test-package", "te*", None),
    ("test-package", "7", None),
]


@pytest.mark.parametrize(("key", "name", "notes"), NAMES)
def test_jobs_are_known_by_the_names_github_shows(key: str, name: str, notes: list[str] | None) -> None:
    found = judged(changed(f"  {key}:\n", f"  {key}:\n    name: {name}\n"))
    assert bool(found.broken) is (notes is None)
    if notes is not None:
        assert found.notes == notes


def test_a_second_name_will_do() -> None:
    assert judged(changed("  publish-s3:", "  publish-package:")).problems == []


@pytest.mark.parametrize("sent", [{"publish_s3": False}, {"publish_s3": "false"}])
def test_f26_a_job_that_these_inputs_turn_off(sent: Any) -> None:
    found = judged(SDK_FILE, {**SENT, **sent})
    assert found.refused == ["would skip job publish-s3 (if: github.event_name == 'push' || inputs.publish_s3)"]


IFS = [
    ("inputs.publish_s3 == true", True),
    ("inputs.publish_s3 == 'true'", False),  # true is 1 and 'true' no number
    ("github.event.inputs.publish_s3 == 'true'", True),
    ("github.event.inputs.publish_s3 == true", False),
    ("github.event.inputs.publish_s3", True),
    ("github.event_name == 'push'", False),
    ("${{ !inputs.run_e2e }}", True),
    ("inputs.run_e2e", False),
    ("failure()", False),
    ("cancelled()", False),
    ("success()", True),
    ("always() && inputs.publish_s3", True),
    ("needs.test-package.result == 'success'", True),
    ("startsWith(github.ref, 'refs/tags/')", True),
    ("github.ref_type == 'branch'", False),
    ("github.ref_name == '0.7.0'", True),
    ("vars.OFF && false", False),
    ("vars.ON || true", True),
    ("inputs.no_such_input", False),
]


@pytest.mark.parametrize(("text", "runs"), IFS)
def test_an_if_is_judged(text: str, runs: bool) -> None:
    file = changed("    if: github.event_name == 'push' || inputs.publish_s3\n", f'    if: "{text}"\n')
    found = judged(file, ref="refs/tags/0.7.0")
    assert found.problems == ([] if runs else [f"would skip job publish-s3 (if: {text})"])
    assert found.notes == []


@pytest.mark.parametrize(
    "text", ["vars.ON", "github.actor == 'me'", "needs.test-package.outputs.go == 'yes'", "nonsense(", "hashFiles('x')"]
)
def test_an_if_that_cannot_be_judged_is_said_to_be_so(text: str) -> None:
    file = changed("    if: github.event_name == 'push' || inputs.publish_s3\n", f'    if: "{text}"\n')
    found = judged(file)
    assert found.problems == []
    assert len(found.notes) == 1
    assert found.notes[0].startswith(f"cannot be judged: whether job publish-s3 runs (if: {text}: ")


UNSENT = [
    ("github.event.inputs.run_e2e == ''", None),
    ("inputs.count > 1", None),
    ("inputs.size == 'big'", None),
    ("inputs.title == ''", True),
    ("inputs.two == '2.0'", True),
    ("github.event.inputs.two == '2.0'", False),
]


@pytest.mark.parametrize(("text", "runs"), UNSENT)
def test_what_github_makes_of_inputs_that_are_not_sent(text: str, runs: bool | None) -> None:
    more = "{type: boolean}\n      count: {type: number}\n      two: {type: number, default: 2}\n      title:\n"
    more += "      size: {type: choice, options: [small, big]}\n"
    file = changed("{type: boolean}\n", more)
    found = judged(changed("    if: github.event_name == 'push' || inputs.publish_s3\n", f'    if: "{text}"\n', file))
    assert bool(found.refused) is (runs is False)
    assert bool(found.notes) is (runs is None)


def test_a_branch_is_known_as_one() -> None:
    file = changed("github.event_name == 'push' || inputs.publish_s3", "github.ref_name == 'image-0.7.0'")
    found = judged(file, ref="refs/heads/image-0.7.0")
    assert (found.problems, found.notes) == ([], [])
    assert found.source.where == "at image-0.7.0, sdk-release.yaml"


def test_a_wider_role_does_not_want_what_its_own_input_turned_off() -> None:
    assert judged(SDK_FILE, roles=[*ROLES, "publish-*"]).problems == []


def test_only_what_the_roles_rest_on_is_noted() -> None:
    assert judged(changed("if: ${{ inputs.publish_pypi }}", "if: vars.PYPI")).notes == []
    assert (
        len(judged(changed("  build-package:\n", "  build-package:\n    if: vars.ON\n"), roles=["publish-s3"]).notes)
        == 1
    )
    assert judged(changed("if: ${{ inputs.publish_pypi }}", "if: vars.PYPI && inputs.publish_pypi")).notes == []
    found = judged(changed("  build-package:\n", "  build-package:\n    if: vars.ON\n"))
    assert found.notes == [
        "cannot be judged: whether job build-package runs (if: vars.ON: depends on vars, which is not known here)"
    ]


def test_what_comes_after_a_skipped_job_is_skipped_too() -> None:
    gate = "jobs:\n  gate: {runs-on: x, if: inputs.run_e2e}\n"
    file = changed("    needs: build-package\n", "    needs: [build-package, gate]\n", changed("jobs:\n", gate))
    found = judged(file)
    assert found.refused == [
        "would skip job publish-s3 (it comes after gate, if: inputs.run_e2e)",
        "would skip job test-package (it comes after gate, if: inputs.run_e2e)",
    ]
    assert judged(file, {**SENT, "run_e2e": True}).problems == []
    for result, runs in (("skipped", True), ("success", False)):
        text = f"always() && needs.gate.result == '{result}'"
        told = changed("  test-package:\n", f"  test-package:\n    if: {text}\n", file)
        assert bool(judged(told, roles=["test-package*"]).problems) is not runs
    for text in ("always()", "!failure()", "!cancelled()"):
        apart = file
        for key in ("test-package", "publish-s3"):
            apart = changed(f"  {key}:\n", f"  {key}:\n    if: ${{{{ {text} }}}}\n", apart)
        apart = apart.replace("    if: github.event_name == 'push' || inputs.publish_s3\n", "")
        assert judged(apart).problems == [], text


def test_a_conditional_role_is_looked_at_once_its_input_is_on() -> None:
    without = SDK_FILE[: SDK_FILE.index("  publish-pypi:")]
    assert judged(without).problems == []
    assert judged(without, {**SENT, "publish_pypi": True}).broken == ["has no job publish-pypi"]
    assert judged(SDK_FILE, {**SENT, "publish_pypi": True}).problems == []


def test_a_default_turns_a_conditional_role_on() -> None:
    text = changed("publish_pypi: {type: boolean, default: false}", "publish_pypi: {type: boolean, default: true}")
    found = judged(text[: text.index("  publish-pypi:")])
    assert found.broken == ["has no job publish-pypi"]
    assert found.inputs["publish_pypi"] is True


def test_a_job_that_runs_though_its_input_is_off_is_noted() -> None:
    assert judged(changed("    if: ${{ inputs.publish_pypi }}\n", "")).notes == [
        "runs job publish-pypi although publish_pypi is off"
    ]


def test_a_job_in_another_file_cannot_be_judged() -> None:
    old = "  build-package:\n    runs-on: ubuntu-latest\n    steps: [{run: pip wheel .}]\n"
    found = judged(changed(old, "  build-package:\n    uses: ./.github/workflows/wheel.yaml\n"))
    assert found.problems == []
    assert found.notes == [
        "cannot be judged: what job build-package does (./.github/workflows/wheel.yaml is another file)"
    ]


def test_a_wrong_role_is_usage() -> None:
    with pytest.raises(Usage, match="not a role"):
        judged(SDK_FILE, roles=["a|"])


SCALARS = st.sampled_from(
    [None, True, 0, 1.5, "", "on", "workflow_dispatch", "a", "${{ inputs.a }}", "${{", "a*", "string"]
)
KEYS = st.sampled_from(
    [
        "on",
        "jobs",
        "workflow_dispatch",
        "inputs",
        "type",
        "options",
        "default",
        "required",
        "a",
        "needs",
        "if",
        "name",
        "runs-on",
    ]
)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)


@given(on=TREES, jobs=TREES)
def test_any_file_is_judged_without_a_crash(on: Any, jobs: Any) -> None:
    import json

    text = json.dumps({"on": {"workflow_dispatch": on}, "jobs": {"a": jobs, "b": {"runs-on": "x", "needs": "a"}}})
    found = judged(text, {"a": True}, ["a", "b*?a"], SDK)
    assert isinstance(found.problems, list)
