"""The whole patch release of a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import release as refs
from release.checks import follow_checks
from release.cli import announces, reruns, waits, writes
from release.errors import Conflict
from release.line_image import built_on_line
from release.lines import chosen_line, needed_branch, next_patch, released, short
from release.pick import picked
from release.pipelines import ship
from release.refs import NEW, RemoteRef, brief
from release.tag_workflows import check_starts
from release.versions import Line, parse
from release.wanted import NOTHING, Wanted

if TYPE_CHECKING:
    import semver

    from release.world import World


@announces
@reruns
@waits
@writes
def patch(
    world: World,
    line: str = "",
    version: str = "",
    wanted: Wanted = NOTHING,
    image: bool = False,
    checks: bool = True,
) -> None:
    """Release a patch: picks, checks, tag, platform, SDK.

    Example: inv release.patch --line 0.7 --commit abc1234 --pr 123
    """
    chosen = chosen_line(world, line or version)
    before = needed_branch(world, chosen)
    world.report.line(f"Release a patch of {chosen} of {world.github.repository}")
    if not _is_tagged(world, chosen, before.sha) or wanted.anything:
        check_starts(world, before.sha)
    at_once = _next(world, chosen, version, NEW) if not (checks or image or wanted.via_pr) else None
    head = picked(world, chosen, wanted, at_once) if wanted.anything else before
    number = world.settle(_next(world, chosen, version, head.sha))
    tag = refs.tag(world, str(number), ref=_ready(world, number, head, image, checks).sha)
    ship(world, number, tag)


def _ready(world: World, version: semver.Version, head: RemoteRef, image: bool, checks: bool) -> RemoteRef:
    """Return the commit to tag: the branch's head, checked, with the image of the version built if asked for.

    What is tagged went through this before. Raises Conflict when the branch moved meanwhile.
    """
    if world.repo.tag(str(version)):
        return head
    _follow(world, head, checks)
    if image:
        head = built_on_line(world, version, head)
        _follow(world, head, checks)
    now = needed_branch(world, Line(version.major, version.minor))
    if head.sha not in (now.sha, NEW):
        raise Conflict(
            f"{short(now)} moved to {now.sha[:9]} while {brief(head.sha)} was made ready", "Run the same again."
        )
    return head


def _follow(world: World, head: RemoteRef, checks: bool) -> None:
    if not checks:
        world.report.step("note", f"the checks of {short(head)} are left out (--no-checks)")
    elif head.sha == NEW:
        world.report.step("todo", f"the checks of {short(head)} succeed")
    else:
        world.repo.need_commit(head.sha, head.name)
        follow_checks(world, head.sha, short(head))


def _next(world: World, line: Line, given: str, sha: str) -> semver.Version:
    """Return the version: given, settled, or the one at the line's head, else its highest patch + 1."""
    if given.count(".") == 2:
        return parse(given)
    return world.version or next_patch(world, line, sha)


def _is_tagged(world: World, line: Line, sha: str) -> bool:
    return next_patch(world, line, sha) in released(world, line)
