"""act's own cases of filters of paths: https://github.com/nektos/act, pkg/workflowpattern."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sources import repository

from release.workflows.triggers import paths_pass

LIST = r"\[\]string\{(.*?)\},\n"
CASE = re.compile(rf"patterns:\s+{LIST}\s+inputs:\s+{LIST}\s+skipResult:\s+(\w+),\n\s+filterResult:\s+(\w+),")


def cases() -> Iterator[tuple[str, str]]:
    """Hold the files of each case against its patterns, as those to run for and as those to ignore."""
    source = repository("nektos/act") / "pkg" / "workflowpattern" / "workflow_pattern_test.go"
    for found in CASE.findall(source.read_text("utf-8")):
        patterns, names = (re.sub(r"\\(.)", r"\1", text) for text in found[:2])
        given, changed = (re.findall(r'"([^"]*)"', text) for text in (patterns, names))
        for key, stops in zip(("paths", "paths-ignore"), found[2:], strict=True):
            # Without a pattern or a file act says no, and with a `!` it ignores all else: GitHub has neither.
            if given and changed and not (key == "paths-ignore" and any(each.startswith("!") for each in given)):
                wrong = paths_pass({key: given}, changed) is (stops == "true")
                yield f"{key} {given} {changed}", f"FALSE: {stops != 'true'} is right" if wrong else ""
