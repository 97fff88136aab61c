"""A stand-in for pip, a program of its own: pip itself, but for packages that are not here, which it records."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution

WITH_VALUE = (
    *("-r", "-c", "-e", "-t", "-i", "-f", "--requirement", "--constraint", "--editable", "--target", "--prefix"),
    *("--root", "--index-url", "--extra-index-url", "--find-links", "--trusted-host", "--upgrade-strategy", "--src"),
    *("--timeout", "--retries", "--progress-bar", "--platform", "--python-version", "--report", "--log"),
)
NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?\s*([=<>~!].*)?")


def main(words: list[str]) -> None:
    """Do what pip does; `install` leaves out, and prints, the packages that are not on this machine."""
    if words[:1] == ["install"]:
        kept = list(_without_missing(words[1:]))
        if kept != words[1:] and not any(map(_is_source, kept)):
            return
        words = ["install", *kept]
    sys.argv = ["pip", *words]
    runpy.run_module("pip", run_name="__main__")


def _without_missing(words: list[str]) -> Iterator[str]:
    is_value = False
    for word in words:
        found = None if is_value or word.startswith("-") or word.endswith(".whl") else NAME.fullmatch(word)
        is_value = word in WITH_VALUE
        if found and not _is_here(found[1]):
            sys.stdout.write(f"the sandbox records: pip install {word} (not on this machine, nothing is installed)\n")
        elif word not in ("-U", "--upgrade"):  # there is no newer one without an index
            yield word


def _is_here(name: str) -> bool:
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


def _is_source(word: str) -> bool:
    return not word.startswith("-") or word in ("-r", "-e", "--requirement", "--editable") or word.startswith("-r")


if __name__ == "__main__":
    main(sys.argv[1:])
