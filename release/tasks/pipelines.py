"""Whole releases: release.minor, major, patch, component."""

from __future__ import annotations

from typing import TYPE_CHECKING

import release
from release import artifacts, audit, git, github, picks
from release.call.flags import NOTHING, PickRequest
from release.call.task import task
from release.errors import Conflict, Usage
from release.tasks import image as images
from release.tasks import lines, sdk

if TYPE_CHECKING:
    import semver

    from release.artifacts.wheel import Wheel
    from release.call.context import Context
    from release.git.refs import RemoteRef
    from release.git.tags import TaggedRelease
    from release.settings import Component
    from release.versions import Line


@task(writes=True, waits=True, reruns=True, numbers=True, announces=True, plans=True)
def minor(context: Context, version: str = "", image: bool = True, accept: tuple[str, ...] = ()) -> None:
    """Release a new minor: image, branch, tag, platform, SDK.

    Example: inv release.minor --version 0.7.0
    """
    release_together(context, _version(context, version, "minor"), image, accept)


@task(writes=True, waits=True, reruns=True, numbers=True, announces=True, plans=True)
def major(context: Context, version: str = "", image: bool = True, accept: tuple[str, ...] = ()) -> None:
    """Release a new major: image, branch, tag, platform, SDK.

    Example: inv release.major --version 1.0.0
    """
    release_together(context, _version(context, version, "major"), image, accept)


def release_together(context: Context, version: semver.Version, image: bool, accept: tuple[str, ...] = ()) -> None:
    """Release everything of the version from a release branch of its own."""
    context.report.line(f"Release {version} of {github.api.github(context).repository}")
    tagged = git.snapshot.remote(context).tag(str(version))
    image = image and bool(context.settings.image.config_file)  # nothing names one: there is none
    message = ""
    if tagged is None:
        message = audit.readiness.ask_first(context, version, None, accept)
        _check_start(context, version, image)
    merged = "" if tagged or not image else _image_commit(context, version)
    branch = lines.branch(context, str(version), ref=merged)
    there = git.snapshot.remote(context).tag(str(version)) or branch  # a tag may have come meanwhile
    if image and there.sha != git.refs.NEW:
        _check_image_named(context, version, there)
    place = github.places.commit_to_tag(context, version, branch)
    tag = lines.tag(context, str(version), ref=place, message=message)
    if tagged and image:
        images.check(context, str(version))
    ship(context, version, tag)


def _check_start(context: Context, version: semver.Version, image: bool) -> None:
    """Raise, before anything is written, where the release of this version could not go to its end."""
    line = release.versions.line_of(version)
    git.lines.check_next(context, version)
    git.lines.check_not_gone(context, line)
    cut = git.lines.line_branch(context, line)
    place = cut or git.tags.trunk_ref(context)
    artifacts.version_file.check_wheel_version(context, place.sha, version, is_set=image)
    github.events.check_starts(context, version, place.sha if cut or not image else "")
    planned = git.refs.tag_ref(version, git.refs.NEW)
    github.dispatch.check_workflow(context, github.requests.sdk_request(context, planned))
    if not image:
        artifacts.next_release.allowed_tag(context, version, place.sha, [place])
    _check_image_is_ours(context, version, place.sha)


def _check_image_is_ours(context: Context, version: semver.Version, sha: str) -> None:
    """Raise Conflict for an image of the version that is out already, and that the proof at the end would refuse."""
    names = artifacts.images.runner_images(context, version) if context.settings.image.config_file else ()
    if not names or artifacts.images.image_version_in_config(context, sha) != version:
        return
    if all(artifacts.images.digests(context, names).values()):
        unproved = [each for each in audit.proofs.image_origin(context, version, sha, None) if not each.holds]
        if unproved:
            what = f"image {version} is out and named on {git.refs.brief(sha)}, but {unproved[0].says}"
            after = f"Take the next version: inv release.minor --version {version.bump_minor()} --skip"
            raise Conflict(what, f"{after}\nIf its pull request was merged just now, run the same again.")


def _image_commit(context: Context, version: semver.Version) -> str:
    """Return the trunk's commit that names the image, building it first; nothing where the branch is cut from it.

    A trunk that moved on since is no reason to stop: the branch has what it needs (F27). Raises Conflict for a branch
    that was cut before the image: one that is merged now would not be on it.
    """
    cut = git.lines.line_branch(context, release.versions.line_of(version))
    if cut is None:
        return artifacts.image_release.release_image(context, version)
    _check_image_named(context, version, cut)
    found = artifacts.images.digests(context, artifacts.images.runner_images(context, version))
    if all(found.values()):
        artifacts.images.check_runner_images(context, version, found)
    else:
        artifacts.image_release.build_images(context, version, cut)
    return ""


def _check_image_named(context: Context, version: semver.Version, there: RemoteRef) -> None:
    """Raise Conflict where the branch or tag that is there was made without an image of this version."""
    named = artifacts.images.image_in_config(context, there.sha)
    if named != str(version):
        raise Conflict(
            f"{git.refs.short_name(there)} is there already, and names image {named}, not {version}",
            f"Release it with that image: inv release.minor --version {version} --no-image",
        )


def ship(context: Context, version: semver.Version, tag: RemoteRef) -> None:
    """Release platform and SDK from the tag, side by side, prove both, then publish the GitHub Release."""
    names = artifacts.images.tagged_images(context.settings.platform.images, version)
    found = artifacts.images.digests(context, names)
    runs = {} if all(found.values()) else github.events.needed_runs(context, tag)
    started, request = sdk.dispatch(context, str(version))
    finished = github.follow.follow_runs(
        context, {"sdk": started, **runs}, "wheel and images are proved, and the GitHub Release is published"
    )
    for name, run in finished.items():
        if name != "sdk":
            github.runs.check_run(context, run, github.requests.platform_request(tag, run.name))
    wheel = artifacts.s3.prove_wheel_run(context, version, finished["sdk"], request)
    artifacts.images.prove_tagged_images(context, version, found, "the platform", "the tag's push")
    draft = audit.receipt.draft_release(context, version)
    if draft.draft:
        artifacts.smoke.try_release(context, version, wheel, context.settings.platform.images)
    release = audit.receipt.publish_release(context, version, draft)
    if not release.draft:  # a plan ends with one
        context.report.step("note", f"{version} is released", url=release.url)


def _version(context: Context, given: str, bump: str) -> semver.Version:
    """Settle the version: given, settled or the next; raise Usage, with what releases it, for one that is no such."""
    version = git.choice.chosen_version(
        context, given, lambda line: artifacts.next_release.next_release(context, bump, line)
    )
    if version.patch:
        raise Usage(
            f"{version} is a patch of {release.versions.line_of(version)}",
            f"inv release.patch --line {release.versions.line_of(version)}",
        )
    if bump == "major" and version.minor:
        raise Usage(f"{version} is no major version", f"inv release.minor --version {version}")
    return version


@task(writes=True, waits=True, reruns=True, numbers=True, announces=True, plans=True)
def patch(
    context: Context,
    line: str = "",
    version: str = "",
    wanted: PickRequest = NOTHING,
    image: bool = False,
    checks: bool = True,
    accept: tuple[str, ...] = (),
) -> None:
    """Release a patch: picks, checks, tag, platform, SDK.

    Example: inv release.patch --line 0.7 --commit abc1234 --pr 123
    """
    chosen = git.choice.chosen_line(context, line or version)
    before = git.lines.needed_branch(context, chosen)
    context.report.line(f"Release a patch of {chosen} of {github.api.github(context).repository}")
    named, message = _named(context, chosen, version), ""
    planned = named or git.lines.next_patch(context, chosen, "" if wanted.anything or image else before.sha)
    if git.snapshot.remote(context).tag(str(planned)) is None:
        git.lines.check_next(context, planned)
        message = audit.readiness.ask_first(context, planned, chosen, accept)
        artifacts.version_file.check_wheel_version(context, before.sha, planned, is_set=True)
        github.events.check_starts(context, planned, before.sha)
    bumps = image or bool(context.settings.sdk.version_file)
    at_once = not (checks or bumps or wanted.via_pr)
    head = picks.steps.pick_commits(context, chosen, wanted, planned, at_once) if wanted.anything else before
    number = context.settle(named or _next(context, chosen, head.sha, image))
    picks.steps.check_tag_has(context, number, wanted)
    place = _ready(context, number, head, image, checks)
    ship(context, number, lines.tag(context, str(number), ref=place.sha, message=message))


def _named(context: Context, line: Line, given: str) -> semver.Version | None:
    """Return the version that is given or settled; raise Usage for one of another line (F29)."""
    named = release.versions.parse(given) if given and not release.versions.is_line(given) else context.version
    if named and release.versions.line_of(named) != line:
        raise Usage(f"{named} is no version of {line}", f"inv release.patch --line {release.versions.line_of(named)}")
    return named


def _next(context: Context, line: Line, sha: str, image: bool) -> semver.Version:
    """Return the version at the line's head, else its highest patch + 1; so too where an image is wanted that is none.

    What is tagged names its image for good: a new one is the next patch's.
    """
    found = git.lines.next_patch(context, line, sha)
    tagged = git.snapshot.remote(context).tag(str(found))
    if tagged and image and artifacts.images.image_in_config(context, tagged.sha) != str(found):
        return git.lines.next_patch(context, line, "")
    return found


def _ready(context: Context, version: semver.Version, head: RemoteRef, image: bool, checks: bool) -> RemoteRef:
    """Return the commit to tag: the branch's head, checked, with the image of the version built if asked for.

    What is tagged went through this before, and is where it is. Raises Conflict when the branch moved meanwhile.
    """
    tagged = git.snapshot.remote(context).tag(str(version))
    if tagged:
        new = "nothing beyond it" if tagged.sha == head.sha else "more, which is another patch's"
        context.report.step("note", f"{version} is tagged: going on with it; {git.refs.short_name(head)} has {new}")
        return git.refs.branch_ref(git.refs.short_name(head), github.places.commit_to_tag(context, version, head))
    _follow(context, head, checks)
    if image or context.settings.sdk.version_file:
        head = artifacts.image_release.bump_line(context, version, head, image)
        if image:
            artifacts.image_release.build_images(context, version, head)
        _follow(context, head, checks)
    context.look_anew()
    now = git.lines.needed_branch(context, release.versions.line_of(version))
    if head.sha not in (now.sha, git.refs.NEW):
        raise Conflict(
            f"{git.refs.short_name(now)} moved to {now.sha[:9]} while {git.refs.brief(head.sha)} was made ready",
            "Run the same again.",
        )
    return head


def _follow(context: Context, head: RemoteRef, checks: bool) -> None:
    if checks:
        wanted = github.commits.branch_checks(context, head.sha, git.refs.short_name(head))
        github.commits.follow_checks(context, wanted)
    else:
        context.report.step("note", f"the checks of {git.refs.short_name(head)} are left out (--no-checks)")


@task(writes=True, waits=True, reruns=True, numbers=True, announces=True, plans=True)
def component(context: Context, name: str = "", accept: str | None = None, version: str = "") -> None:
    """Release one component alone, if it fits its line.

    Example: inv release.component --name sdk
    """
    plan = artifacts.component_release.component_plan(context, name, accept, version)
    known = artifacts.component_release.known_release(context, plan)
    if known:
        context.settle(known.version)
        context.report.step("done", f"tag {known.version} at {git.refs.brief(known.ref.sha)}: {known.what}")
    else:
        _say_what_else(context, plan.part)
    tag = known or artifacts.component_release.tag_component(context, plan)
    context.report.record(tag=str(tag.version), sha=tag.ref.sha)
    if not tag.components:
        context.report.step("note", f"{tag.version} released {name} with everything else, from that very commit")
        prove_component(context, plan.part, tag.version)
        return
    wheel = release_component(context, plan.part, tag)
    draft = audit.receipt.draft_release(context, tag.version)
    if draft.draft:
        artifacts.smoke.try_release(context, tag.version, wheel, plan.part.images)
    release = audit.receipt.publish_release(context, tag.version, draft)
    if not release.draft:
        context.report.step("note", f"{name} {tag.version} is released", url=release.url)


def _say_what_else(context: Context, part: Component) -> None:
    """Say before the tag what its push builds beside the component's own images."""
    others = [name for name in context.settings.platform.images if name not in part.images]
    if part.images and not part.workflow and others:
        own = f"a workflow of {part.name}'s own is set by release.components.{part.name}.workflow"
        context.report.step("note", f"the tag's push builds {', '.join(others)} too ({own})")


def release_component(context: Context, part: Component, tag: TaggedRelease) -> Wheel | None:
    """Release this component of the tag, and prove it: the wheel, or what builds its images and those alone."""
    if artifacts.component_release.is_sdk(context, part):
        return sdk.release(context, str(tag.version))
    finished = github.follow.follow_runs(context, artifacts.component_release.component_runs(context, part, tag))
    artifacts.component_release.check_component_runs(context, part, tag, finished)
    how = f"run {part.workflow}" if part.workflow else "the tag's push"
    unknown = dict.fromkeys(artifacts.images.tagged_images(part.images, tag.version))
    artifacts.images.prove_tagged_images(context, tag.version, unknown, part.name, how)
    return None


def prove_component(context: Context, part: Component, version: semver.Version) -> None:
    """Raise Failed unless the wheel, or each image of this component, is out with the version."""
    if artifacts.component_release.is_sdk(context, part):
        sdk.wheel(context, str(version))
        return
    artifacts.images.check_tagged_images(context, version, part.images, part.name)
