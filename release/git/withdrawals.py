"""What was taken back, and why: a ref on the remote for each version, which names a blob of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone

import semver

from release.call.context import Context
from release.call.ensure import ensure
from release.errors import Conflict
from release.git.refs import NEW, WITHDRAWN, Push, RemoteRef
from release.git.repository import repository
from release.git.snapshot import remote
from release.versions import Line, line_of, released_versions

LONGEST, SHOWN = 10_240, 200  # characters: of a reason, and of one in a sentence


@dataclass(frozen=True)
class Withdrawal:
    """A version that was taken back: why, by whom and when (ISO 8601, UTC); `sha` is the object that says so."""

    version: str
    reason: str
    who: str = ""
    at: str = ""
    sha: str = ""

    @property
    def key(self) -> str:
        """What it is found by in the view of a dry call."""
        return self.version

    @property
    def brief(self) -> str:
        """The reason as a sentence can hold it: one line, its beginning."""
        words = " ".join(self.reason.split())
        return words if len(words) <= SHOWN else f"{words[: SHOWN - 1]}…"

    @property
    def text(self) -> str:
        """The same as JSON, always the same bytes: what the ref names, and what is put beside the wheel."""
        told = {"version": self.version, "withdrawn": self.at, "by": self.who, "reason": self.reason}
        return json.dumps(told, indent=2) + "\n"


def withdrawn_names(context: Context, line: Line | None = None) -> list[str]:
    """Return the names of the versions that were taken back: of the line, or of all lines."""
    return [ref.name.removeprefix(WITHDRAWN) for ref in remote(context).withdrawn(f"{line}." if line else "")]


def withdrawn_versions(context: Context, line: Line | None = None) -> list[semver.Version]:
    """Return the versions that were taken back, lowest first: of the line, or of all lines."""
    return released_versions(withdrawn_names(context, line))


def check_not_withdrawn(context: Context, version: semver.Version) -> None:
    """Raise Conflict, saying why, for a version that was taken back: nothing more is released as that."""
    if version not in withdrawn_versions(context, line_of(version)):
        return
    found = withdrawal(context, version)
    why = f": {found.brief}" if found and found.brief else ""
    then = f"Release the next: inv release.next --line {line_of(version)}"
    undo = f"To put it back: inv release.withdraw --version {version} --undo"
    raise Conflict(f"{version} is withdrawn{why}", f"{then}\n{undo}")


def withdrawal(context: Context, version: semver.Version) -> Withdrawal | None:
    """Return how the version was taken back, or None; nothing is asked beyond the look at its line's refs."""
    planned = context.view.get(Withdrawal, str(version))
    name = f"{WITHDRAWN}{version}"
    ref = next((each for each in remote(context).withdrawn(str(version)) if each.name == name), None)
    if ref is None or planned:
        return planned
    return context.once((withdrawal, ref.target), lambda: _read(context, version, ref))


def withdrawals(context: Context, lines: Iterable[Line]) -> list[Withdrawal]:
    """Return those of these lines' versions that were taken back, lowest first."""
    versions = [version for line in sorted(lines) for version in withdrawn_versions(context, line)]
    return [found for version in versions if (found := withdrawal(context, version))]


def _read(context: Context, version: semver.Version, ref: RemoteRef) -> Withdrawal:
    """Read the ref's object; anybody may have written it, and that the ref is there is what counts."""
    repo, found = repository(context), {}
    repo.fetch(ref.name)
    with suppress(ValueError):
        found = json.loads(repo.git("cat-file", "blob", ref.target))
    texts = {key: str(found.get(key, "")) if isinstance(found, dict) else "" for key in ("reason", "by", "withdrawn")}
    return Withdrawal(str(version), texts["reason"][:LONGEST], texts["by"], texts["withdrawn"], ref.target)


def note_withdrawal(context: Context, version: semver.Version, reason: str) -> Withdrawal:
    """Return what the remote says of the withdrawal, noting it first where it says nothing.

    Raises Conflict where it was withdrawn for another reason: two people at one moment, or one who thought again.
    """
    repo = repository(context)
    at = datetime.fromtimestamp(context.clock.now(), timezone.utc).isoformat(timespec="seconds")
    made = Withdrawal(str(version), reason, repo.person(), at, NEW)

    def _find() -> Withdrawal | None:
        found = withdrawal(context, version)
        if found and reason not in ("", found.reason):
            why = f"{version} is withdrawn already, by {found.who} on {found.at[:10]}: {found.brief}"
            raise Conflict(why, f"inv release.withdraw --version {version} goes on with that; --undo puts it back.")
        return found

    def _push() -> None:
        sha = repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=made.text)
        repo.push([Push(f"{WITHDRAWN}{version}", sha)])

    what = f"{version} withdrawn{f': {made.brief}' if reason else ''}"
    return ensure(context, what, find=_find, make=_push, planned=made)


def forget_withdrawal(context: Context, found: Withdrawal) -> None:
    """Delete the note: the version is as good as any again."""
    name = f"{WITHDRAWN}{found.version}"

    def _find() -> bool | None:
        there = [each for each in remote(context).withdrawn(found.version) if each.name == name]
        return None if there else True

    what = f"{found.version} no longer noted as withdrawn"
    ensure(context, what, find=_find, make=lambda: repository(context).delete_ref(name, found.sha), planned=True)
