"""Text of which parts are not known: a part stands as its name between two marks, in whatever it is put into.

So it goes through variables, outputs, files and joins like any other text, and everything made of it says why it is
not known. Only who compares or matches has to ask.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from release.workflows import expressions

_OPEN, _CLOSE = "\ue000", "\ue001"  # private characters: no file of a repository has them
PART = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
_PATH = re.compile(r"[\w.-]+")


def unknown(name: str) -> str:
    """Stand in for a text that cannot be told; `name` says of what."""
    return f"{_OPEN}{shown(name)[:80]}{_CLOSE}"


def is_known(text: str) -> bool:
    """Tell whether all of a text is known."""
    return _OPEN not in text


def shown(text: str) -> str:
    """Write a text for people: what is not known of it in angle brackets."""
    return PART.sub(lambda part: f"<{part[1]}>", text)


def can_be(text: str, other: str) -> bool:
    """Tell whether a text is another one, as far as it is known."""
    known = [re.escape(each) for each in PART.split(text)[::2]]
    return re.fullmatch(".*".join(known), other, re.DOTALL) is not None


def known_entries(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is known of a context; where that is not all, whatever depends on the rest is undecided."""
    known = {name: each for name, each in found.items() if is_known(expressions.text(each))}
    return found if len(known) == len(found) else expressions.Partial(known)


def interpolate(text: str, known: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """Replace every `${{ … }}` in a text; one that cannot be told becomes an unknown part.

    `known` are the contexts that may be compared, `told` the same ones with texts that are known in part.
    """

    def undecided(expression: str, name: str) -> str:
        """Take what is known in part as it is where nothing is asked of it."""
        if _PATH.fullmatch(expression.strip()):
            try:
                found = expressions.text(expressions.evaluate(expression, told))
            except expressions.Undecided:
                return unknown(name)
            return found if found and not is_known(found) else unknown(name)
        return unknown(name)

    return expressions.interpolate(text, known, undecided)
