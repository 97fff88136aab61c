"""Roles: the jobs of a run that must succeed, whatever else is in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from release.errors import Failed, Usage
from release.workflows.expressions.syntax import NAME

LONGEST_NAME = 100
_CUT = "..."


@dataclass(frozen=True)
class Role:
    """One entry of `sdk.roles`: `name`, `name*`, `name|other-name`, and `…?input` where that input turns it on."""

    text: str
    patterns: tuple[str, ...]
    input: str = ""

    def is_on(self, inputs: Mapping[str, object]) -> bool:
        """Whether these inputs ask for the role."""
        return not self.input or is_on(inputs.get(self.input))

    def matches(self, name: str) -> bool:
        """Whether a job shown under this name plays the role; see `plain_names` for matrix and called jobs."""
        if any(_regex(pattern).fullmatch(plain) for plain in plain_names(name) for pattern in self.patterns):
            return True
        # A long one is cut before its matrix begins.
        return _is_cut(name) and any(f"{each} (".startswith(name.removesuffix(_CUT)) for each in self.patterns)

    def may_match(self, template: str) -> bool:
        """Whether a job may play the role under a name in which each `*` stands for what is not known yet."""
        return any(_regex(plain).fullmatch(pattern) for plain in plain_names(template) for pattern in self.patterns)


def parse_role(text: str) -> Role:
    """Parse a role; raises Usage naming it."""
    jobs, mark, name = text.partition("?")
    patterns = tuple(pattern.strip() for pattern in jobs.split("|"))
    if not all(patterns) or (mark and not re.fullmatch(NAME, name)):
        raise Usage(f"not a role: {text!r}", hint="set sdk.roles to texts like 'test-package*', 'a|b' or 'a?input'")
    return Role(text, patterns, name)


def is_on(value: object) -> bool:
    """Whether an input's value means yes, as a boolean or in the text that GitHub sends."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def plain_names(name: str) -> set[str]:
    """List what a shown job may be called: `a (3.10)` is one of the matrix a, `a / b` is in a workflow that a calls."""
    return {each for base in _bases(name) for each in (base, *_bases(base.partition(" / ")[0]))}


def cut_name(name: str) -> str:
    """Shorten a job's name as GitHub does where it is too long (actions/runner, JobNameBuilder.cs)."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - len(_CUT)] + _CUT


def _is_cut(name: str) -> bool:
    return len(name) == LONGEST_NAME and name.endswith(_CUT)


def _bases(name: str) -> set[str]:
    """List the name and what it may be without a matrix's values, which may hold parentheses or be cut."""
    ends = re.finditer(r" \(", name) if name.endswith(")") or _is_cut(name) else ()
    return {name, *(name[: end.start()] for end in ends)}


def check_roles(
    jobs: Iterable[tuple[str, str, str]], roles: Sequence[str], inputs: Mapping[str, object], hint: str = ""
) -> None:
    """Check that every role has a job and that all its jobs, as (name, status, conclusion), succeeded (F26).

    A job that its own input turned off may be skipped or absent.
    Raises Failed, naming each job that is not as it must be.
    """
    everything, parsed = list(jobs), [parse_role(text) for text in roles]
    off = [each for each in parsed if not each.is_on(inputs)]
    problems: list[str] = []
    for each in parsed:
        played = [job for job in everything if each.matches(job[0])]
        if not played and each not in off:
            problems.append(f"no job is {' or '.join(each.patterns)}")
        for name, status, conclusion in played:
            spared = conclusion == "skipped" and any(idle.matches(name) for idle in off)
            if not spared and (status, conclusion) != ("completed", "success"):
                problems.append(f"job {name} {_outcome(status, conclusion)}")
    if problems:
        raise Failed("; ".join(dict.fromkeys(problems)), hint=hint)


def _outcome(status: str, conclusion: str) -> str:
    if status != "completed":
        return f"is {(status or 'not there').replace('_', ' ')}"
    return "was skipped" if conclusion == "skipped" else f"ended: {(conclusion or 'nothing').replace('_', ' ')}"


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
