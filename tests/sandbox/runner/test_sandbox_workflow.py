"""Which workflow files GitHub refuses, and how it reads the others."""

from __future__ import annotations

import pytest

from release.sandbox.runner import InvalidWorkflow, parse_workflow


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
