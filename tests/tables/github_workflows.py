"""GitHub's own cases of workflow files: https://github.com/actions/languageservices, workflow-parser/testdata."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sources import repository

from release.sandbox.runner import InvalidWorkflow, parse_workflow


def cases() -> Iterator[tuple[str, str]]:
    """Read each file; it has to be refused where GitHub reports an error, and only there."""
    folder = repository("actions/languageservices") / "workflow-parser" / "testdata" / "reader"
    for path in sorted(folder.glob("*.yml")):
        # Options, the file, those it calls, and what GitHub makes of them.
        parts = path.read_text("utf-8").split("\n---\n")
        if len(parts) == 3:
            yield path.stem, _fault(parts[1], json.loads(parts[2]).get("errors") or [])


def _fault(text: str, errors: list[dict[str, str]]) -> str:
    try:
        parse_workflow(text, "w.yaml")
    except InvalidWorkflow as error:
        return "" if errors else f"refused: {error}"
    return f"not refused: {errors[0]['Message']}" if errors else ""
