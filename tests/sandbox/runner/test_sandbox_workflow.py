"""Which workflow files GitHub refuses, and how it reads the others."""

from __future__ import annotations

from typing import Any

import pytest

from release.sandbox.runner import InvalidWorkflow, parse_workflow
from release.sandbox.runner.workflow import combinations, display_name
from release.workflows.expressions import Unsupported

ONE = "on: push\njobs: {a: {runs-on: x, steps: [{run: x}]"


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
        ("on: push\njobs: {__a: {runs-on: x, steps: [{run: x}]}}", "one _"),
        ("on: push\njobs: {a: {runs-on: x, uses: ./b}}", "either `uses` or `runs-on`"),
        ("on: push\njobs: {a: {runs-on: x, steps: [{run: x, id: b}, {run: x, id: B}]}}", "'b' is there twice"),
        ("on: push\njobs: {a: {runs-on: x, steps: [{run: x, id: __b}]}}", "no step id"),
        (
            "on: push\njobs: {a: {runs-on: x, steps: [{run: 'echo ${{ a'}]}}",
            "a.steps.0.run: an expression is empty or not",
        ),
        ("on: push\njobs: {a: {runs-on: x, if: github.ref = 1, steps: [{run: x}]}}", "a.if: expression"),
        ("on: push\nenv: {A: '${{ nope() }}'}\njobs: {a: {runs-on: x, steps: [{run: x}]}}", "no function nope"),
        ("on: push\njobs: {a: {runs-on: x, steps: [{run: 'echo ${{ nope.x }}'}]}}", "unrecognized named-value: 'nope'"),
        (
            "on: push\njobs: {a: {runs-on: x, strategy: {matrix: {p: []}}, steps: [{run: x}]}}",
            "does not contain any value",
        ),
        ("on: push\njobs: {a: {runs-on: x, steps: [{run: x, wait: a}]}}", "either `uses` or `run`"),
        ("on: push\njobs: {a: {runs-on: {group: a/b}, steps: [{run: x}]}}", "unexpected value 'a/b'"),
        ("on: push\njobs: {a: {runs-on: x, steps: [{uses: repo@v1}]}}", "unexpected value 'repo@v1'"),
        ("on: {workflow_call: {inputs: {a: {default: b}}}}\njobs: {a: {uses: ./b}}", "property is missing: type"),
        ("on: [", "line"),
        ("- a", "expected a mapping"),
    ],
)
def test_what_github_refuses_before_it_starts(text: str, said: str) -> None:
    with pytest.raises(InvalidWorkflow, match=said):
        parse_workflow(text)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("strategy: {bad: 1}", "a.strategy: unexpected value 'bad'"),
        ("strategy: {matrix: {os: []}}", "os: the matrix vector"),
        ("strategy: {matrix: {a: " + "[" * 50 + "]" * 50 + "}}", "depth exceeded"),
        ("concurrency: {cancel-in-progress: true}", "required property is missing: group"),
        ("concurrency: '${{ secrets.A }}'", "a.concurrency: unrecognized named-value: 'secrets'"),
        ("if: env.A", "a.if: unrecognized named-value: 'env'"),
        ("env: {A: '${{ insert }}'}", "unrecognized named-value: 'insert'"),
        ("env: {A: '${{ github.sha }} %s'}" % ("x" * 21_000), "longer than 21000"),
        ("permissions: {contents: some}", "unexpected value 'some'"),
        ("environment: {url: x}", "required property is missing: name"),
        ("container: {image: }", "required property is missing: image"),
        ("services: {a: {image: x, key: y}}", "unexpected value 'key'"),
    ],
    ids=lambda text: text[:30],
)
def test_what_github_does_not_know_in_a_job(key: str, said: str) -> None:
    with pytest.raises(InvalidWorkflow, match=said):
        parse_workflow(f"{ONE}, {key}}}}}")


def test_an_anchor_repeated_without_end_is_refused() -> None:
    lists = [", ".join([each] * 99) for each in ("x", "*a", "*b")]
    with pytest.raises(InvalidWorkflow, match="size"):
        parse_workflow(f"a: &a [{lists[0]}]\nb: &b [{lists[1]}]\nc: [{lists[2]}]\n{ONE}}}}}")


@pytest.mark.parametrize(
    "key",
    [
        "container: node",
        "concurrency: '${{ github.ref }}'",
        "strategy: {matrix: {a: [1], include: []}, fail-fast: false}",
    ],
)
def test_what_github_takes_in_a_job(key: str) -> None:
    steps = "[{uses: docker://a}, {uses: ./a}, {uses: a/b/c@v1}]"
    parse_workflow(f"on: push\njobs: {{a: {{runs-on: {{group: org/a}}, steps: {steps}, {key}}}}}")


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


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ({"a": [1, None, "", True]}, ["j (1)", "j", "j", "j (true)"]),
        ({"a": [{"x": 1, "y": [None, 2.5]}]}, ["j (1, 2.5)"]),
        ({"a": ["L", "M"], "include": [{"a": "l", "b": 1}]}, ["j (L)", "j (M)"]),  # == takes no case
        ({"a": [3, 4], "include": [{"a": "3", "b": 1}, {"b": 2}]}, ["j (3)", "j (4)"]),
        ({"a": [1], "include": [{"a": 2, "b": "x"}, {"a": 2, "b": "x"}]}, ["j (1)", "j (2, x)", "j (2, x)"]),
        ({"a": [{"x": 1, "y": 2}], "include": [{"a": {"x": 1}, "b": 3}]}, ["j (1, 2)"]),
        ({"a": [[1, 2], [1]], "exclude": [{"a": [1, 2]}]}, ["j (1)"]),
        ({"include": [{"a": 1}, {"a": None}]}, ["j (1)", "j"]),
        ({"a": [1], "include": [{"b": "x", "a": 2}]}, ["j (1)", "j (2, x)"]),
        ({"a": [1, 2], "include": [{"A": 2, "b": 3}], "exclude": [{"A": 1}]}, ["j (2)"]),
        ({"a": ["v" * 200]}, ["j (" + "v" * 94 + "..."]),
        ({"a": ["v" * 96]}, ["j (" + "v" * 96 + ")"]),
    ],
)
def test_a_matrix_names_its_jobs_as_github_does(matrix: dict[str, Any], shown: list[str]) -> None:
    assert [display_name("j", named) for named, _ in combinations(matrix)] == shown


def test_what_include_adds_is_there_and_never_replaces_what_the_axes_say() -> None:
    found = combinations({"a": [1, 2], "include": [{"b": 1}, {"a": 2, "b": 2}, {"a": 3, "b": 3}]})
    assert [named | added for named, added in found] == [{"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 3, "b": 3}]


def test_an_exclude_that_no_axis_has_is_refused() -> None:
    with pytest.raises(Unsupported, match="exclude key 'c'"):
        combinations({"a": [1], "exclude": [{"c": 1}]})


def test_what_is_new_at_github_is_read() -> None:
    steps = "[{id: s, run: x, background: true}, {wait: [s]}, {wait-all: }, {cancel: s}, {parallel: [{run: x}]}]"
    parse_workflow(
        f"on: push\njobs: {{a: {{runs-on: x, cancel-timeout-minutes: 3, env: {{if: a b}}, steps: {steps}}}}}"
    )
