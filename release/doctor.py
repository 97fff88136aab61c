"""Whether this machine and this token can release: reads alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from release import checkup as machine
from release import checkup_places as places
from release.checkup import Check, Finding
from release.cli import reads
from release.errors import Failed, ReleaseError
from release.parallel import side_by_side

if TYPE_CHECKING:
    from release.world import World

CHECKS: tuple[Check, ...] = (
    machine.git, machine.identity, machine.signing, machine.remote, machine.token, machine.clock, machine.rate_limit,
    places.tag_rules, places.branch_rules, places.workflows, places.bucket, places.registry, machine.settings,
)  # fmt: skip
STATUS = {"good": "made", "advice": "note", "bad": "failed"}


@reads
def doctor(world: World) -> list[Finding]:
    """Say whether this machine and token can release.

    Example: inv release.doctor
    """
    found = findings(world, CHECKS)
    for each in found:
        world.report.step(
            STATUS[each.level], f"{each.name:12} {each.says}", check=each.name, level=each.level, fix=each.fix
        )
        if each.fix and not world.report.json:
            world.report.line(f"  {each.fix}")
    bad = [each for each in found if each.level == "bad"]
    if bad:
        names = ", ".join(dict.fromkeys(each.name for each in bad))
        raise Failed(f"{len(bad)} things stand in the way of a release: {names}", bad[0].fix)
    return found


def findings(world: World, checks: Sequence[Check]) -> list[Finding]:
    """Return what the checks find, in their order; what stops several of them is said once."""
    _open(world)
    found: list[Finding] = []
    for each in side_by_side([partial(_asked, world, check) for check in checks]):
        found += [finding for finding in each if finding.says not in [other.says for other in found]]
    return found


def _open(world: World) -> None:
    """Open the doors that open, once, and not in each thread."""
    for name in ("repo", "github", "bucket", "registry", "trunk"):
        try:
            getattr(world, name)
        except ReleaseError:
            continue  # said by the check that needs it


def _asked(world: World, check: Check) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check(world))
    except ReleaseError as error:
        found.append(Finding(check.__name__.replace("_", " "), "bad", error.problem, error.hint))
    return found
