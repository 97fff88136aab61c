"""A shell's words while they are put together: what is quoted in them, and what they become.

Quoting stands in the text itself as private characters, so that pieces are joined as text: one before each character
that means itself, one where a quoted piece began (an empty word is one too), one between the fields of `"$@"`.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator
from itertools import islice

from release.sandbox.simulation.shell.limits import MOST_WORDS, check_size
from release.sandbox.simulation.unknown import PART

_SELF, ANCHOR, FIELD = "\ue002", "\ue003", "\ue004"
_SPECIAL = re.compile(r"[*?\[\]{},\s~!.\\]")
_MARKS = re.compile(f"[{_SELF}{ANCHOR}]")
_ATOM = f"{PART.pattern}|{_SELF}."
_SPLIT = re.compile(rf"(?:{_ATOM}|[^\s{FIELD}])+", re.DOTALL)
_BRACES = re.compile(rf"(?<!{_SELF})\{{((?:{_ATOM}|[^{{}}{_SELF}])*?)(?<!{_SELF})\}}", re.DOTALL)
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_MAGIC = re.compile(rf"(?<!{_SELF})[*?\[]")


def quote(text: str) -> str:
    """Let every character of a text mean itself."""
    return _SPECIAL.sub(lambda found: _SELF + found.group(), text)


def plain(text: str) -> str:
    """Take the marks off: the text as one word, or as an assignment has it."""
    return _MARKS.sub("", text).replace(FIELD, " ")


def fields(text: str, paths: Callable[[str], list[str]]) -> list[str]:
    """Return the words that a text becomes: braces, splitting, then the `paths` that a pattern names."""
    found: list[str] = []
    for one in _braces(text):
        for word in (each.group() for each in _SPLIT.finditer(one)):
            named = paths(pattern(word)) if _MAGIC.search(PART.sub("", word)) else []
            found += named or [plain(word)]
    return found


def pattern(text: str) -> str:
    """Write a pattern as `fnmatch` reads it, what is quoted in it meaning itself."""
    quoted = re.sub(f"{_SELF}(.)", lambda found: f"[{found[1]}]" if found[1] in "*?[" else found[1], text, flags=re.S)
    return plain(quoted)


def matches(text: str, shell_pattern: str) -> bool:
    """Tell whether a text is what a shell's pattern says."""
    return re.fullmatch(fnmatch.translate(pattern(shell_pattern)), text) is not None


def cut(text: str, shell_pattern: str, operator: str) -> str:
    """Take off the part that `#`, `##`, `%` or `%%` names: the shortest, or the longest for the doubled ones."""
    check_size("a text to cut", len(text), MOST_WORDS)  # each of its parts is tried
    from_start, longest = operator[0] == "#", len(operator) == 2
    sizes = range(len(text) + 1)
    for size in reversed(sizes) if longest else sizes:
        part = text[:size] if from_start else text[len(text) - size :]
        if matches(part, shell_pattern):
            return text[size:] if from_start else text[: len(text) - size]
    return text


def replace(text: str, shell_pattern: str, new: str, operator: str) -> str:
    """Replace what a pattern names, as `/`, `//`, `/#` or `/%` say: the first, all, at the start, at the end."""
    expression = fnmatch.translate(pattern(shell_pattern)).removeprefix("(?s:").removesuffix(r"\Z").removesuffix(r")")
    anchored = {"/#": rf"\A(?:{expression})", "/%": rf"(?:{expression})\Z"}.get(operator, expression)
    return re.sub(anchored, lambda _: new, text, count=0 if operator == "//" else 1, flags=re.DOTALL)


def _braces(text: str) -> Iterator[str]:
    """Expand `a{b,c}` and `{1..3}`."""
    found = _BRACES.search(text)
    if not found:
        yield text
        return
    inner, ends = found[1], _RANGE.fullmatch(_MARKS.sub("", found[1]))
    if ends:
        first, last = int(ends[1]), int(ends[2])
        check_size("words", abs(last - first), MOST_WORDS)
        parts = [str(each) for each in range(first, last + 1)] or [str(each) for each in range(first, last - 1, -1)]
    else:
        parts = re.split(f"(?<!{_SELF}),", inner)
    middle = parts if len(parts) > 1 or ends else [f"{_SELF}{{{inner}{_SELF}}}"]
    rests = list(islice(_braces(text[found.end() :]), MOST_WORDS + 1))
    check_size("words", len(rests) * len(middle), MOST_WORDS)
    yield from (text[: found.start()] + part + rest for part in middle for rest in rests)
