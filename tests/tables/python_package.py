"""What the Python tables share: two packages compared, and what may come of it."""

from __future__ import annotations

from collections.abc import Mapping

from release.compat.interfaces import compare
from release.compat.verdicts import Verdict
from release.settings import Component


def verdict(name: str, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[Verdict, str]:
    """Compare the package `name`, its files by their paths, at both sides; return the verdict and why."""
    sides = [{f"sdk/{path}": content for path, content in side.items()} for side in (before, after)]
    found = compare(Component("sdk", "sdk", "python", f"sdk/{name}"), *sides)
    return found.verdict, "; ".join(f"{each.file}:{each.line} {each.what}" for each in found.changes[:3]) or found.why


def fault(found: tuple[Verdict, str], *, breaks: bool) -> str:
    """Say what is wrong: a break that passes is false; what breaks nothing should pass."""
    if breaks:
        return f"FALSE compatible: {found[1]}" if found[0] is Verdict.COMPATIBLE else ""
    return "" if found[0] is Verdict.COMPATIBLE else f"{found[0].value}: {found[1]}"


def top_packages(files: Mapping[str, bytes]) -> set[str]:
    """Return the importable packages that a wheel holds."""
    return {path.split("/")[0] for path in files if path.endswith("/__init__.py") and path.count("/") == 1}
