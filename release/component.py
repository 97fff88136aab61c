"""An individual release: one component, from the trunk, behind the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from release.cli import announces, reruns, waits, writes
from release.compat import check_open, component_named, current_line, gate, show
from release.components import Component
from release.ensure import ensure
from release.errors import Conflict, Usage
from release.lines import released
from release.notes import drafted, published
from release.parts import check_unbuilt, is_sdk, prove_part, release_part
from release.refs import RemoteRef, brief
from release.release import push_tag, trunk_sha
from release.tag_workflows import check_starts
from release.tagged import Tagged, messages, tag_message, tagged
from release.verdicts import Verdict, overall
from release.versions import Line, check_allowed, line_of, next_version, parse

if TYPE_CHECKING:
    import semver

    from release.interfaces import Answer
    from release.world import World

REASON_LIMIT = 500  # characters


@dataclass(frozen=True)
class Plan:
    """One individual release to make: what, from which commit, next to which tags of its line."""

    part: Component
    line: Line
    sha: str
    there: Sequence[Tagged]
    reason: str = ""
    version: semver.Version | None = None


@reruns
@announces
@waits
@writes
def component(world: World, name: str = "", accept: str | None = None, version: str = "") -> None:
    """Release one component alone, if it fits its line.

    Example: inv release.component --name sdk
    """
    plan = _plan(world, component_named(world, name), accepted_reason(accept), version)
    known = _known(plan)
    if known:
        world.settle(known.version)
        world.report.step("done", f"tag {known.version} at {brief(known.ref.sha)}: {known.what}")
    tag = known or _tagged_anew(world, plan)
    world.report.record(tag=str(tag.version), sha=tag.ref.sha)
    if not tag.components:
        world.report.step("note", f"{tag.version} released {name} with everything else, from that very commit")
        prove_part(world, plan.part, tag.version)
        return
    release_part(world, plan.part, tag)
    release = published(world, tag.version, drafted(world, tag.version))
    world.report.step("note", f"{name} {tag.version} is released", url=release.url)


def accepted_reason(given: str | bool | None) -> str:
    """Return the reason on one line, nothing where the flag is not given; raise Usage for a flag without a reason."""
    if given is None:
        return ""
    reason = " ".join(given.split()) if isinstance(given, str) else ""
    if not any(character.isalpha() for character in reason):
        raise Usage("--accept needs a reason", 'Say why this may be released: --accept "REASON"')
    if not reason.isprintable() or len(reason) > REASON_LIMIT:
        raise Usage(f"--accept: the reason must be readable and at most {REASON_LIMIT} characters long")
    return reason


def _plan(world: World, part: Component, reason: str, given: str) -> Plan:
    """Return what to release; a version that an earlier task of this call settled counts unless it is taken."""
    wanted = parse(given) if given else world.version
    line = line_of(wanted) if wanted else current_line(world)
    there = tagged(world, line)
    if not given and any(each.version == wanted and part.name not in each.components for each in there):
        wanted = None
    return Plan(part, line, trunk_sha(world), there, reason, wanted)


def _known(plan: Plan) -> Tagged | None:
    """Return the tag that this release is already, or None (F27).

    Without a version, the one at the trunk's head: what is released from that commit is not released twice.
    Raises Conflict for a version that released something else.
    """
    name = plan.part.name
    if plan.version is None:
        at_head = [each for each in plan.there if each.ref.sha == plan.sha and not each.version.prerelease]
        return next((each for each in reversed(at_head) if each.has(name)), None)
    found = next((each for each in plan.there if each.version == plan.version), None)
    if found and name not in found.components:
        raise Conflict(
            f"{found.version} released {found.what}, from {brief(found.ref.sha)}; a tag is never moved",
            f"Take the next version: inv release.component --name {name}",
        )
    return found


def _tagged_anew(world: World, plan: Plan) -> Tagged:
    """Ask the gate, then tag the commit with the line's next patch; the tag says what it releases, and why."""
    version = plan.version or next_version([each.version for each in plan.there], "patch", plan.line)
    world.repo.need_commit(plan.sha, f"refs/heads/{world.trunk}")
    answers = gate(world, plan.part, plan.sha, plan.there)
    show(world, answers)
    accepted = _accepted(world, plan, answers)
    if not (is_sdk(world, plan.part) or plan.part.workflow):
        check_starts(world, plan.sha)
    verdict = overall(answer.comparison.verdict for answer in answers).value
    name = plan.part.name
    message = tag_message(version, name, f"Its interfaces within {plan.line}: {verdict}.", accepted)
    planned = Tagged(world.settle(version), RemoteRef(f"refs/tags/{version}", plan.sha, plan.sha), (name,), accepted)
    found = ensure(
        world,
        f"tag {version} at {brief(plan.sha)} for {name} alone",
        find=lambda: _ours(world, plan.part, planned),
        make=lambda: _push(world, planned, message),
        planned=planned,
    )
    if world.dry:
        world.planned[found.ref.name] = found.ref
    return found


def _accepted(world: World, plan: Plan, answers: Sequence[Answer]) -> str:
    """Return the reason where it was needed; raise Blocked where it is needed and missing."""
    verdict = overall(answer.comparison.verdict for answer in answers)
    if plan.reason and verdict is not Verdict.COMPATIBLE:
        world.report.step("note", f"{verdict.value}, but accepted: {plan.reason}", accepted=plan.reason)
        return plan.reason
    if plan.reason:
        world.report.step("note", "--accept was not needed, and is not recorded")
    check_open(world, plan.part, plan.sha, plan.line, answers)
    return ""


def _ours(world: World, part: Component, planned: Tagged) -> Tagged | None:
    """Return the remote's tag if it is this release; raise Conflict for another, Usage for a version that is wrong."""
    found = next((each for each in tagged(world, line_of(planned.version)) if each.version == planned.version), None)
    if found is None:
        check_allowed(planned.version, released(world))
        check_unbuilt(world, part, planned.version)
    elif found.ref.sha != planned.ref.sha or found.components != planned.components:
        raise Conflict(
            f"somebody tagged {planned.version} meanwhile: {found.what} at {brief(found.ref.sha)}",
            "Run the same again: it takes the next version.",
        )
    return found


def _push(world: World, planned: Tagged, message: str) -> None:
    """Write the tag and push it; raise Conflict where this clone has a tag of that name that says something else."""
    local = world.repo.local_tag(str(planned.version))
    if local and messages(world.repo, [local])[0].strip() != message:
        raise Conflict(
            f"the local tag {planned.version} was never pushed, and is not this release",
            f"Look at it (git show {planned.version}); if it is a leftover: git tag -d {planned.version}",
        )
    push_tag(world, planned.version, planned.ref.sha, message=message)
