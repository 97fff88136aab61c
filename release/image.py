"""The runner image: its version in config.py, its run, its tags, its pull request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from release.binding import EVENT, dispatched_run, existing_run
from release.bumps import branch_naming, bumped_apart, bumped_here, own_branch
from release.cli import reads, reruns, waits, writes
from release.errors import Conflict, Failed, Usage
from release.follow import follow
from release.lines import chosen_version, contains, short
from release.merging import merge_pull, remove_branch
from release.named import named_version
from release.outcomes import check_run, state
from release.published import check_unchanged
from release.pulls import Pull, open_pull
from release.pushed import check_images, image_digests, prints, taken_tags
from release.refs import NEW, RemoteRef
from release.release import trunk_sha
from release.runs import Dispatch, Run, parse_run_id, runs
from release.versions import parse_branch
from release.workflows import image as rules

if TYPE_CHECKING:
    import semver

    from release.world import World


@writes
def bump(world: World, version: str = "") -> RemoteRef:
    """Set the version in config.py here, commit and push it.

    Example: inv image.bump --version 0.7.0
    """
    found = bumped_here(world, chosen_version(world, version))
    world.report.record(branch=short(found), sha=found.sha)
    return found


@writes
def dispatch(
    world: World, version: str = "", ref: str = "", again: bool = False, run: str = "", build_base: bool = False
) -> tuple[Run, Dispatch]:
    """Start the image workflow on its branch, once.

    Example: inv image.dispatch --version 0.7.0
    """
    wanted = chosen_version(world, version or _named_here(world))
    request = request_for(world, wanted, _ref(world, ref or _image_ref(world, wanted)), build_base)
    return _started(world, request, wanted, again, run), request


@reruns
@waits
@reads
def watch(world: World, version: str = "", ref: str = "", run: str = "") -> Run:
    """Follow the image workflow's run to its end.

    Example: inv image.watch --version 0.7.0 --timeout 3600
    """
    wanted = chosen_version(world, version or _named_here(world))
    request = request_for(world, wanted, _ref(world, ref or _image_ref(world, wanted)))
    started = existing_run(world, request, parse_run_id(run))
    finished = follow(world, {"image": started})["image"]
    check_run(world, finished, request)
    world.report.step("note", f"run {finished.id} of {finished.name}: {state(finished)}", url=finished.url)
    return finished


@reads
def check(world: World, version: str = "") -> dict[str, str]:
    """Prove that every image is in the registry.

    Example: inv image.check --version 0.7.0
    """
    return check_images(world, chosen_version(world, version or _named_here(world)))


@waits
@writes
def pr(world: World, version: str = "", ref: str = "", merge: bool = False) -> Pull:
    """Open the image's pull request; --merge merges it.

    Example: inv image.pr --version 0.7.0 --merge
    """
    wanted = chosen_version(world, version or _named_here(world))
    head = _ref(world, ref or _image_ref(world, wanted))
    opened = _opened(world, wanted, head)
    return merge_pull(world, opened, head.sha) if merge else opened


@reruns
@waits
@writes
def release(world: World, version: str = "", again: bool = False, run: str = "", build_base: bool = False) -> str:
    """Bump, build, prove every image, merge its pull request.

    Example: inv image.release --version 0.7.0
    """
    wanted = chosen_version(world, version or _named_here(world))
    on_trunk = world.repo.branch() in (world.trunk, None)
    return build(world, wanted, on_trunk=on_trunk, again=again, run=run, build_base=build_base)


def build(
    world: World,
    version: semver.Version,
    *,
    on_trunk: bool = True,
    again: bool = False,
    run: str = "",
    build_base: bool = False,
) -> str:
    """Release the image, from a branch of its own made from the trunk or from the checked-out branch.

    Returns the trunk's commit whose config.py names the version.
    """
    merged = branch_naming(world, world.trunk, version)
    if merged and all(image_digests(world, version).values()):
        world.report.step("done", f"image {version}: on {world.trunk} at {merged.sha[:9]}, every tag in the registry")
        check_images(world, version)
        return merged.sha
    head = merged or (bumped_apart(world, version) if on_trunk else bumped_here(world, version))
    build_from(world, version, head, again=again, run=run, build_base=build_base)
    return merged.sha if merged else _merged(world, version, head)


def build_from(
    world: World,
    version: semver.Version,
    head: RemoteRef,
    *,
    again: bool = False,
    run: str = "",
    build_base: bool = False,
) -> None:
    """Build the images from a branch whose config.py names the version, and prove them and all older ones (F21)."""
    before = prints(world, bases_may_change=build_base)
    request = replace(request_for(world, version, head, build_base), before=before)
    started = _started(world, request, version, again, run)
    prove(world, version, follow(world, {"image": started})["image"], request)


def prove(world: World, version: semver.Version, finished: Run, request: Dispatch) -> None:
    """Raise unless the run succeeded, every image of the version is there, and every old one is the same (F21)."""
    if world.dry and finished.status != "completed":
        tags = ", ".join(image_digests(world, version))
        world.report.step("todo", f"images {tags} in {world.settings.image.repository}")
        return
    check_run(world, finished, request)
    repository = world.settings.image.repository
    check_unchanged(request.before, prints(world), f"{repository} of {world.settings.image.registry}")
    check_images(world, version)


def request_for(world: World, version: semver.Version, head: RemoteRef, build_base: bool = False) -> Dispatch:
    """Return the run to ask for: the image workflow on that branch with this version."""
    image = world.settings.image
    on_line = f" --ref {short(head)}" if parse_branch(short(head)) else ""
    task = f"inv image.{'watch' if on_line else 'release'} --version {version}{on_line}"
    anew = f"inv image.{'dispatch' if on_line else 'release'} --version {version}{on_line} --again"
    return Dispatch(
        workflow=image.workflow,
        ref=head.name,
        sha=head.sha,
        inputs={"version": str(version), **image.inputs, **({"build_base": True} if build_base else {})},
        rules=rules(build_base=build_base),
        command=task,
        new_run=anew,
    )


def _started(world: World, request: Dispatch, version: semver.Version, again: bool, run: str) -> Run:
    """Start the run; refuse to when some tag exists that it would overwrite (F21)."""
    taken = taken_tags(world, version)
    if taken and not run:
        ours = _runs_of(world, request)
        if again or not ours:
            whose = "a new run would push it again" if ours else f"no run of {request.workflow} on its branch made it"
            raise Conflict(
                f"image {world.settings.image.repository}:{taken[0]} exists already, and {whose}",
                "Images are never overwritten; choose the next version.",
            )
        made = [each for each in ours if each.conclusion == "success" and each.head_sha != request.sha]
        if made and all(image_digests(world, version).values()):
            world.report.step("done", f"images of {version}, by run {made[0].id} at {made[0].head_sha[:9]}")
            return made[0]
    return dispatched_run(world, request, again=again, run_id=parse_run_id(run))


def _runs_of(world: World, request: Dispatch) -> list[Run]:
    """Return the workflow's runs of this branch at this commit or one it has grown from: a base was merged into it."""
    if request.sha == NEW:
        return []
    found = runs(world.github, "", EVENT, request.workflow, branch=request.name)
    return [each for each in found if contains(world, request.sha, each.head_sha)]


def _opened(world: World, version: semver.Version, head: RemoteRef) -> Pull:
    body = f"Sets the runner image's version to {version}."
    return open_pull(world, short(head), world.trunk, f"Use image {version}", body)


def _merged(world: World, version: semver.Version, head: RemoteRef) -> str:
    """Open the pull request, merge it, and return the trunk's commit that names the version."""
    merged = merge_pull(world, _opened(world, version, head), head.sha)
    if world.dry and not merged.merge_sha:
        return NEW
    world.repo.need_commit(merged.merge_sha, f"refs/heads/{world.trunk}")
    if named_version(world, merged.merge_sha) != str(version):
        raise Failed(
            f"{merged.merge_sha[:9]} was merged, but its {world.settings.image.config_file} does not name {version}",
            f"Look: {merged.url}",
        )
    if short(head) == own_branch(version):
        remove_branch(world, head)
    return merged.merge_sha


def _named_here(world: World) -> str:
    """Return the version that config.py names at the checked-out commit, where it differs from the trunk's."""
    if world.version:
        return ""
    named = named_version(world, world.repo.head())
    return "" if named == named_version(world, trunk_sha(world)) else named


def _image_ref(world: World, version: semver.Version) -> str:
    """Return the branch to run on: the checked-out one, or `image-<version>` from the trunk."""
    here = world.repo.branch()
    return here if here and here != world.trunk and not parse_branch(here) else own_branch(version)


def _ref(world: World, name: str) -> RemoteRef:
    sha = world.repo.head_sha(name)
    if sha is None:
        raise Usage(f"the remote has no branch {name}", "Push it first, or name another: --ref BRANCH")
    return RemoteRef(f"refs/heads/{name}", sha, sha)
