"""The pairs of oasdiff's own tests of its checks, with its newest levels: https://github.com/oasdiff/oasdiff."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from sources import repository

from release.compat.interfaces import Tools, compare
from release.compat.verdicts import Verdict
from release.settings import Component

OASDIFF = os.environ.get("OASDIFF", "oasdiff")  # without it, its half runs without it too
TEST = re.compile(r"^func (Test\w+)\(t \*testing\.T\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FILE = re.compile(r'open\("\.\./data/([^"]+)"\)|l\(t, (\d+)\)')
PAIR = re.compile(r"d\(t, diff\.NewConfig\(\), (\d+), (\d+)\)")
CHANGED_IN_GO = re.compile(r"\.Spec\b|WithDeprecation|WithSeverityLevels|WithOptionalCheck|WithAttributes|Loader")


def cases() -> Iterator[tuple[str, str]]:
    """Compare the two files of each test that opens two and edits neither, with oasdiff and without it."""
    folder = repository("oasdiff/oasdiff")
    levels = _levels(folder / "checker")
    data = folder / "data"
    for path in sorted((folder / "checker").glob("*_test.go")):
        for name, body in TEST.findall(path.read_text(encoding="utf-8")):
            sides = _sides(body)
            if len(sides) != 2 or CHANGED_IN_GO.search(body):
                continue
            told = {levels[each] for each in re.findall(r"checker\.(\w+Id)\b", _asserted(body)) if each in levels}
            breaks = bool(told & {"ERR", "WARN"})
            contents = [(data / side).read_bytes() for side in sides]
            if contents[0] == contents[1] or not (breaks or _tells_nothing(body)):
                continue  # made different in Go; or what other checks tell of the pair is not said
            for program in (OASDIFF, "not-there"):
                yield f"{name} ({program})", _fault(contents, Tools(program), breaks=breaks)


def _levels(checker: Path) -> dict[str, str]:
    rules = (checker / "rules.go").read_text(encoding="utf-8")
    return dict(re.findall(r"newBackwardCompatibilityRule\((\w+), (ERR|WARN|INFO),", rules))


def _asserted(body: str) -> str:
    # What a test says must not be listed is not a finding.
    return re.sub(r".*(require\.False|NotContains|require\.NotEqual).*", "", body)


def _tells_nothing(body: str) -> bool:
    return "require.Empty(t, errs)" in body and "singleCheckConfig" not in body


def _sides(body: str) -> list[str]:
    named = [name or f"openapi-test{number}.yaml" for name, number in FILE.findall(body)]
    return named or [f"openapi-test{number}.yaml" for pair in PAIR.findall(body)[:1] for number in pair]


def _fault(contents: list[bytes], tools: Tools, *, breaks: bool) -> str:
    backend = Component("backend", "backend", "openapi", "openapi.yaml")
    found = compare(backend, *({"openapi.yaml": content} for content in contents), tools)
    why = "; ".join(each.what for each in found.changes[:3]) or found.why
    if breaks:
        return f"FALSE compatible: {why}" if found.verdict is Verdict.COMPATIBLE else ""
    return f"incompatible: {why}" if found.verdict is Verdict.INCOMPATIBLE else ""
