"""What the remote has of a line: its versions, its release branch, where a version belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release.errors import Conflict, Usage
from release.versions import Line, line_of, next_version, parse, parse_branch, parse_line, released_versions

if TYPE_CHECKING:
    import semver

    from release.refs import RemoteRef
    from release.world import World

TAGS = "refs/tags/"
HEADS = "refs/heads/"


def released(world: World, line: Line | None = None) -> list[semver.Version]:
    """Return the versions that are tagged on the remote, lowest first; of one line if it is given (F10)."""
    tags = world.repo.remote_tags(f"{line}." if line else "")
    return released_versions(ref.name.removeprefix(TAGS) for ref in tags)


def line_branches(world: World, line: Line) -> list[RemoteRef]:
    """Return every release branch of the line on the remote, whatever its date (F23); in a dry run, those planned."""
    found = world.repo.remote_heads(f"release-{line}-*") or list(world.planned.values())
    return [ref for ref in found if (parse_branch(short(ref)) or (None,))[0] == line]


def line_branch(world: World, line: Line) -> RemoteRef | None:
    """Return the line's release branch, or None; raise Conflict when there are several."""
    found = line_branches(world, line)
    if len(found) > 1:
        names = ", ".join(short(ref) for ref in found)
        raise Conflict(
            f"line {line} has {len(found)} release branches: {names}", "Delete the wrong one, then run the same again."
        )
    return found[0] if found else None


def needed_branch(world: World, line: Line) -> RemoteRef:
    """Return the line's release branch; raise Usage when it has none."""
    found = line_branch(world, line)
    if found is None:
        raise Usage(f"line {line} has no release branch", f"Cut it: inv release.branch --version {line}")
    return found


def newest_line(world: World) -> Line:
    """Return the line of the highest released version; raise Usage when nothing is released."""
    versions = [version for version in released(world) if not version.prerelease]
    if not versions:
        raise Usage("nothing is released yet", "Give --version, such as --version 0.1.0")
    return line_of(versions[-1])


def chosen_version(world: World, given: str, bump: str = "") -> semver.Version:
    """Settle the version: the flag, what this call settled before, or with `bump` the next one.

    Raises Usage when nothing tells.
    """
    if given:
        return world.settle(parse(given))
    if world.version:
        return world.version
    if not bump:
        raise Usage("which version?", "Give --version, such as --version 0.7.0")
    return world.settle(next_version(released(world), bump))


def chosen_line(world: World, given: str) -> Line:
    """Return the line of a flag (a line or a version), of the settled version, or of the checked-out release branch."""
    if given:
        return parse_line(given, version_too=True)
    if world.version:
        return line_of(world.version)
    checked_out = parse_branch(world.repo.branch() or "")
    return checked_out[0] if checked_out else newest_line(world)


def next_patch(world: World, line: Line, sha: str) -> semver.Version:
    """Return the version at that commit of the line; where none is, the highest on the remote plus one patch (F27)."""
    tags = world.repo.remote_tags(f"{line}.")
    there = released_versions(ref.name.removeprefix(TAGS) for ref in tags if ref.sha == sha)
    finals = [version for version in there if not version.prerelease]
    every = released_versions(ref.name.removeprefix(TAGS) for ref in tags)
    return finals[-1] if finals else next_version(every, "patch", line)


def contains(world: World, head: str, sha: str) -> bool:
    """Whether the commit is in the history of `head`; GitHub tells, since a shallow clone cannot (F10)."""
    return head == sha or world.github.get(f"compare/{sha}...{head}", per_page=1)["status"] in ("ahead", "identical")


def short(ref: RemoteRef) -> str:
    """Return a branch's or tag's name for people: never for Git, where only the full one is unambiguous (F11)."""
    return ref.name.removeprefix(TAGS).removeprefix(HEADS)
