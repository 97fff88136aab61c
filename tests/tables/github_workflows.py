"""GitHub's own cases of workflow files: https://github.com/actions/languageservices, workflow-parser/testdata."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sources import repository

from release.sandbox.runner import InvalidWorkflow, parse_workflow

# Where these cases are not as GitHub is.
NOT_AS_GITHUB = {
    "concurrency": "GitHub's service refuses a job without steps; this reader alone does not",
    "misc-jobs": "GitHub's service refuses a job without steps; this reader alone does not",
    "errors-anchor-tag": "GitHub reads anchors since September 2025",
}
OPTIONS = ("max-depth", "max-file-size", "max-result-size")


def cases() -> Iterator[tuple[str, str]]:
    """Read each file; it has to be refused where GitHub reports an error, and only there."""
    folder = repository("actions/languageservices") / "workflow-parser" / "testdata" / "reader"
    for path in sorted(folder.glob("*.yml")):
        # Options, the file, those it calls, and what GitHub makes of them.
        parts = path.read_text("utf-8").split("\n---\n")
        if len(parts) == 3:
            errors = json.loads(parts[2]).get("errors") or []
            fault = _fault(parts[1], errors)
            yield path.stem, fault and (_differs(path.stem, parts[0]) or f"FALSE: {fault}")


def _differs(name: str, options: str) -> str:
    """Say why a case that differs is right: its limits are the tests' own, or GitHub itself is otherwise."""
    limit = next((each for each in OPTIONS if f"{each}:" in options), "")
    if limit:
        return f"its {limit} is the tests' own"
    only = "of the language server alone: GitHub's own readers (C#, Go) skip it"
    return only if "- C#" in options and "- Go" in options else NOT_AS_GITHUB.get(name, "")


def _fault(text: str, errors: list[dict[str, str]]) -> str:
    try:
        parse_workflow(text, "w.yaml")
    except InvalidWorkflow as error:
        return "" if errors else f"refused: {error}"
    return f"not refused: {errors[0]['Message']}" if errors else ""
