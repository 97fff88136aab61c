"""An individual release: one component, from the trunk, behind the gate; what it starts and leaves behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import semver

from release.artifacts.images import digests, tagged_images
from release.artifacts.next_release import allowed_tag
from release.artifacts.s3 import released_wheel
from release.call.context import Context
from release.call.ensure import ensure
from release.compat import Answer, Verdict, check_open, current_line, gate, show_answers, verdict_of
from release.errors import Blocked, Conflict, Usage
from release.git.lines import taken_versions
from release.git.refs import RemoteRef, brief, tag_ref
from release.git.repository import repository
from release.git.tags import (
    TaggedRelease,
    tag_message,
    tag_messages,
    tagged_release,
    tagged_releases,
    trunk_ref,
    trunk_sha,
)
from release.git.withdrawals import check_not_withdrawn
from release.github.burned import push_version_tag
from release.github.dispatch import dispatch_run
from release.github.events import check_starts, needed_runs
from release.github.requests import component_request
from release.github.runs import Run, check_run, jobs_of
from release.settings import Component
from release.versions import Line, is_line, line_of, next_version, parse, parse_line
from release.workflows import check_roles

REASON_LIMIT = 500  # characters


@dataclass(frozen=True)
class ComponentPlan:
    """One individual release to make: what, from which commit, next to which tags of its line."""

    part: Component
    line: Line
    sha: str
    there: Sequence[TaggedRelease]
    reason: str = ""
    version: semver.Version | None = None


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


def component_plan(context: Context, name: str, accept: str | None, given: str) -> ComponentPlan:
    """Return what to release; a version that an earlier task of this call settled counts unless it is taken."""
    part, reason = context.settings.component(name), accepted_reason(accept)
    wanted = parse(given) if given and not is_line(given) else context.version
    named = parse_line(given) if is_line(given) else context.facts.line
    line = line_of(wanted) if wanted else named or current_line(context)
    there = tagged_releases(context, line)
    if not there:  # its first number is a coordinated release's
        first = f"Make the line's first release: inv release.minor --version {line}.0"
        raise Blocked(f"could not tell: nothing of {line} is released yet", first)
    if not given and any(each.version == wanted and part.name not in each.components for each in there):
        wanted = None
    return ComponentPlan(part, line, trunk_sha(context), there, reason, wanted)


def known_release(context: Context, plan: ComponentPlan) -> TaggedRelease | None:
    """Return the tag that this release is already, or None (F27).

    Raises Conflict for a version of something else, and for one that was taken back: it is not done.
    """
    name = plan.part.name
    if plan.version is None:  # what is released from the trunk's head is not released twice
        at_head = [each for each in plan.there if each.ref.sha == plan.sha and not each.version.prerelease]
        found = next((each for each in reversed(at_head) if each.has(name)), None)
        if found:
            check_not_withdrawn(context, found.version)
        return found
    found = next((each for each in plan.there if each.version == plan.version), None)
    if found and name not in found.components:
        what = f"{found.version} released {found.what}, from {brief(found.ref.sha)}; a tag is never moved"
        raise Conflict(what, f"Take the next version: inv release.component --name {name}")
    check_not_withdrawn(context, plan.version)
    return found


def tag_component(context: Context, plan: ComponentPlan) -> TaggedRelease:
    """Ask the gate, then tag the commit with the line's next patch; the tag says what it releases, and why."""
    part = plan.part
    version = plan.version or next_version(taken_versions(context, plan.line), "patch", plan.line)
    answers = gate(context, part, plan.sha, plan.there)
    show_answers(context, answers)
    accepted = _needed_reason(context, plan, answers)
    if not (is_sdk(context, part) or part.workflow):
        check_starts(context, version, plan.sha)
    within = f"Its interfaces within {plan.line}: {verdict_of(answers).value}."
    ref = tag_ref(version, plan.sha)
    planned = TaggedRelease(context.settle(version), ref, (part.name,), accepted)
    find = partial(_own_tag, context, part, planned)
    make = partial(_push, context, planned, tag_message(version, part.name, within, accepted))
    what = f"tag {version} at {brief(plan.sha)} for {part.name} alone"
    said = {"component": part.name, "accepted": accepted}
    facts = {"tag": ref.name, "commit": ref.sha, **said}
    ensure(context, what, find=find, make=make, planned=ref, facts=lambda _: facts)
    return planned


def _needed_reason(context: Context, plan: ComponentPlan, answers: Sequence[Answer]) -> str:
    """Return the reason where it was needed; raise Blocked where it is needed and missing."""
    verdict = verdict_of(answers)
    if plan.reason and verdict is not Verdict.COMPATIBLE:
        context.report.step("note", f"{verdict.value}, but accepted: {plan.reason}", accepted=plan.reason)
        return plan.reason
    if plan.reason:
        context.report.step("note", "--accept was not needed, and is not recorded")
    check_open(context, plan.part, plan.sha, plan.line, answers)
    return ""


def _own_tag(context: Context, part: Component, planned: TaggedRelease) -> RemoteRef | None:
    """Return the remote's tag if it is this release; raise Conflict for another, Usage for a version that is wrong."""
    found = tagged_release(context, planned.version)
    if found is None:
        places, wheel = [trunk_ref(context)], is_sdk(context, part)
        allowed_tag(context, planned.version, planned.ref.sha, places, shared=True, wheel=wheel)
        _check_unbuilt(context, part, planned.version)
        return None
    if found.ref.sha != planned.ref.sha or found.components != planned.components:
        what = f"somebody tagged {planned.version} meanwhile: {found.what} at {brief(found.ref.sha)}"
        raise Conflict(what, "Run the same again: it takes the next version.")
    return found.ref


def _check_unbuilt(context: Context, part: Component, version: semver.Version) -> None:
    """Raise Conflict when something of a version that is not tagged yet is out: nobody knows what it is (F20, F21)."""
    found = digests(context, tagged_images(part.images, version))
    out = [f"image {name}" for name, digest in found.items() if digest]
    if is_sdk(context, part) and released_wheel(context, version)[0]:
        out.append(f"the wheel of {version}")
    if out:
        anew = f"inv release.component --name {part.name} --version {version.bump_patch()} --skip"
        hint = f"Find out who made it, or take another version: {anew}"
        raise Conflict(f"{out[0]} exists already, and {version} is not tagged", hint)


def _push(context: Context, planned: TaggedRelease, message: str) -> None:
    """Write the tag and push it; raise Conflict where this clone has a tag of that name that says something else."""
    repo, version = repository(context), planned.version
    local = repo.local_tag(str(version))
    if local and tag_messages(repo, [local])[0].strip() != message:
        hint = f"Look at it (git show {version}); if it is a leftover: git tag -d {version}"
        raise Conflict(f"the local tag {version} was never pushed, and is not this release", hint)
    push_version_tag(context, version, planned.ref.sha, message=message)


def is_sdk(context: Context, part: Component) -> bool:
    """Whether the component is the Python package, which has tasks of its own."""
    return part.name == "sdk" or part.workflow == context.settings.sdk.workflow


def component_runs(context: Context, part: Component, tag: TaggedRelease) -> dict[str, Run]:
    """Return the runs that make this component of the tag, dispatching its own workflow where it has one."""
    if not part.workflow:
        return needed_runs(context, tag.ref)
    return {part.name: dispatch_run(context, component_request(part, tag, part.workflow))}


def check_component_runs(context: Context, part: Component, tag: TaggedRelease, finished: dict[str, Run]) -> None:
    """Raise unless the runs did what this component needs: its roles' jobs, or without roles every job (F26)."""
    ended = [run for run in finished.values() if run.id and run.status == "completed"]  # none in a dry run
    if not part.roles:
        for run in ended:
            check_run(context, run, component_request(part, tag, run.name))
    elif ended:
        check_component_roles(context, ended, part.roles, component_request(part, tag, "").ways_on)


def check_component_roles(context: Context, ended: Iterable[Run], roles: Sequence[str], hint: str) -> None:
    """Raise Failed unless all jobs of the runs that play these roles succeeded, and each role has one (F26)."""
    listed = list(ended)
    shown = [(job.name, job.status, job.conclusion) for run in listed for job in jobs_of(context, run)]
    check_roles(shown, roles, {}, "\n".join([*(f"Look: {run.url}" for run in listed), hint]))
