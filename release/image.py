"""The runner image: its version in config.py, its run, its tags, its pull request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from release.cli import reads, waits, writes
from release.constants import constant, with_constant
from release.ensure import ensure
from release.errors import Conflict, Failed, Usage
from release.follow import check_run, follow
from release.lines import chosen_version, short
from release.pulls import Pull, merge_pull, open_pull
from release.refs import NEW, Push, RemoteRef, brief
from release.release import trunk_sha
from release.runs import Dispatch, Run, dispatched_run, existing_run, parse_run_id, runs
from release.versions import image_tags, parse_branch

if TYPE_CHECKING:
    import semver

    from release.world import World


@writes
def bump(world: World, version: str = "") -> RemoteRef:
    """Set the version in config.py here, commit and push it.

    Example: inv image.bump --version 0.7.0
    """
    wanted = chosen_version(world, version)
    name = _own_branch(world)
    before = _clean_head(world, name, wanted)
    found = ensure(
        world,
        f"{world.settings.image.config_variable} = {wanted} on {name}",
        find=lambda: _branch_naming(world, name, wanted),
        make=lambda: _commit_and_push(world, world.repo.root, wanted, Push(f"refs/heads/{name}", NEW, before)),
        planned=RemoteRef(f"refs/heads/{name}", NEW, NEW),
    )
    world.report.record(branch=name, sha=found.sha)
    return found


@writes
def dispatch(
    world: World, version: str = "", ref: str = "", again: bool = False, run: str = ""
) -> tuple[Run, Dispatch]:
    """Start the image workflow on its branch, once.

    Example: inv image.dispatch --version 0.7.0
    """
    wanted = chosen_version(world, version or _named_here(world))
    request = request_for(world, wanted, _ref(world, ref or _image_ref(world, wanted)))
    return dispatched_run(world, request, again=again, run_id=parse_run_id(run)), request


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
    world.report.step("note", f"run {finished.id} of {finished.name}: {finished.conclusion}", url=finished.url)
    return finished


@reads
def check(world: World, version: str = "") -> dict[str, str]:
    """Prove that every image is in the registry.

    Example: inv image.check --version 0.7.0
    """
    wanted = chosen_version(world, version or _named_here(world))
    digests = image_digests(world, wanted)
    missing = [tag for tag, digest in digests.items() if digest is None]
    for tag, digest in digests.items():
        world.report.step(
            "failed" if digest is None else "made",
            f"image {world.settings.image.repository}:{tag}  {digest or 'missing'}",
        )
    if missing:
        raise Failed(
            f"{len(missing)} of {len(digests)} images of {wanted} are missing",
            f"Build them: inv image.release --version {wanted}",
        )
    world.report.record(image_tags=" ".join(digests))
    return {tag: digest for tag, digest in digests.items() if digest}


@writes
def pr(world: World, version: str = "", ref: str = "", merge: bool = False) -> Pull:
    """Open the image's pull request; --merge merges it.

    Example: inv image.pr --version 0.7.0 --merge
    """
    wanted = chosen_version(world, version or _named_here(world))
    head = _ref(world, ref or _image_ref(world, wanted))
    opened = open_pull(
        world, short(head), world.trunk, f"Use image {wanted}", f"Sets the runner image's version to {wanted}."
    )
    return merge_pull(world, opened, head.sha) if merge else opened


@waits
@writes
def release(world: World, version: str = "", again: bool = False) -> str:
    """Bump, build, prove every image, merge its pull request.

    Example: inv image.release --version 0.7.0
    """
    wanted = chosen_version(world, version or _named_here(world))
    on_trunk = world.repo.branch() in (world.trunk, None)
    return build(world, wanted, on_trunk=on_trunk, again=again)


def build(world: World, version: semver.Version, *, on_trunk: bool = True, again: bool = False) -> str:
    """Release the image, from a branch of its own made from the trunk or from the checked-out branch.

    Returns the trunk's commit whose config.py names the version.
    """
    merged = _trunk_naming(world, version)
    if merged and all(image_digests(world, version).values()):
        world.report.step("done", f"image {version}: on {world.trunk} at {merged[:9]}, every tag in the registry")
        check(world, str(version))
        return merged
    head = RemoteRef(f"refs/heads/{world.trunk}", merged, merged) if merged else _bumped(world, version, on_trunk)
    request = request_for(world, version, head)
    started = _started(world, request, version, again)
    check_run(world, follow(world, {"image": started})["image"], request)
    if started.id and not world.dry:
        check(world, str(version))
    else:
        world.report.step(
            "todo", f"images {', '.join(image_digests(world, version))} in {world.settings.image.repository}"
        )
    return merged or _merged(world, version, head)


def image_digests(world: World, version: semver.Version) -> dict[str, str | None]:
    """Return the digest of each image tag of the version, None where the registry has none."""
    image = world.settings.image
    return {
        tag: world.registry.image_digest(image.repository, tag)
        for tag in image_tags(image.tags, version, image.pythons)
    }


def request_for(world: World, version: semver.Version, head: RemoteRef) -> Dispatch:
    """Return the run to ask for: the image workflow on that branch with this version."""
    inputs = {"version": str(version), **world.settings.image.inputs}
    return Dispatch(world.settings.image.workflow, short(head), head.sha, inputs)


def named_version(world: World, sha: str) -> str:
    """Return the image version that config.py names at the commit; raise Usage when it names none."""
    image = world.settings.image
    world.repo.need_commit(sha)
    content = world.repo.file(sha, image.config_file)
    if content is None:
        raise Usage(f"{image.config_file} is not in {sha[:9]}", "Set image.config_file in invoke.yaml.")
    return constant(content, image.config_variable, image.config_file)


def _started(world: World, request: Dispatch, version: semver.Version, again: bool) -> Run:
    """Start the run; refuse to when some tag exists and no run of ours made it: images are never overwritten (F21)."""
    taken = [tag for tag, digest in image_digests(world, version).items() if digest]
    if taken and not again and not _runs_of(world, request):
        raise Conflict(
            f"image {taken[0]} exists already and no run of {request.workflow} at {brief(request.sha)} made it",
            "Images are never overwritten; choose the next version.",
        )
    return dispatched_run(world, request, again=again)


def _runs_of(world: World, request: Dispatch) -> bool:
    return request.sha != NEW and bool(runs(world.github, request.sha, "workflow_dispatch", request.workflow))


def _bumped(world: World, version: semver.Version, on_trunk: bool) -> RemoteRef:
    """Return the branch whose config.py names the version, making commit and branch where they are missing."""
    if not on_trunk:
        return bump(world, str(version))
    name = f"image-{version}"
    return ensure(
        world,
        f"branch {name} from {world.trunk} with {world.settings.image.config_variable} = {version}",
        find=lambda: _branch_naming(world, name, version, other_is_conflict=True),
        make=lambda: _branch_off(world, name, version),
        planned=RemoteRef(f"refs/heads/{name}", NEW, NEW),
    )


def _branch_off(world: World, name: str, version: semver.Version) -> None:
    base = trunk_sha(world)
    world.repo.need_commit(base, f"refs/heads/{world.trunk}")
    with world.repo.worktree(base) as tree:
        _commit_and_push(world, tree, version, Push(f"refs/heads/{name}", NEW))


def _commit_and_push(world: World, tree: Path, version: semver.Version, push: Push) -> None:
    """Write the version into config.py in that tree, commit it there, and push the commit; writes all three."""
    image = world.settings.image
    path = tree / image.config_file
    source = path.read_bytes()
    changed = with_constant(source, image.config_variable, str(version), image.config_file)
    if changed != source:
        path.write_bytes(changed)
        world.repo.commit(f"Use image {version}", [image.config_file], tree)
    world.repo.push([Push(push.ref, world.repo.git("rev-parse", "HEAD", cwd=tree), push.expected)])


def _branch_naming(
    world: World, name: str, version: semver.Version, other_is_conflict: bool = False
) -> RemoteRef | None:
    """Return the remote's branch if config.py at its head names the version, else None."""
    sha = world.repo.head_sha(name)
    if sha is None:
        return None
    world.repo.need_commit(sha, f"refs/heads/{name}")
    named = named_version(world, sha)
    if named == str(version):
        return RemoteRef(f"refs/heads/{name}", sha, sha)
    if other_is_conflict:
        raise Conflict(
            f"branch {name} names image {named}, not {version}",
            f"Look at it: git log {world.settings.release.remote}/{name}",
        )
    return None


def _trunk_naming(world: World, version: semver.Version) -> str:
    found = _branch_naming(world, world.trunk, version)
    return found.sha if found else ""


def _merged(world: World, version: semver.Version, head: RemoteRef) -> str:
    """Open the pull request, merge it, and return the trunk's commit that names the version."""
    opened = open_pull(
        world, short(head), world.trunk, f"Use image {version}", f"Sets the runner image's version to {version}."
    )
    merged = merge_pull(world, opened, head.sha)
    if world.dry and not merged.merge_sha:
        return NEW
    world.repo.need_commit(merged.merge_sha, f"refs/heads/{world.trunk}")
    if named_version(world, merged.merge_sha) != str(version):
        raise Failed(
            f"{merged.merge_sha[:9]} was merged, but its {world.settings.image.config_file} does not name {version}",
            merged.url,
        )
    return merged.merge_sha


def _own_branch(world: World) -> str:
    """Return the checked-out branch; raise Usage for a detached HEAD, the trunk and release branches."""
    name = world.repo.branch()
    if name is None:
        raise Usage("no branch is checked out", "git switch -c image-VERSION")
    if name == world.trunk or parse_branch(name):
        raise Usage(
            f"{name} is {'the trunk' if name == world.trunk else 'a release branch'}",
            "The image is bumped on a branch of its own: git switch -c image-VERSION",
        )
    return name


def _clean_head(world: World, name: str, version: semver.Version) -> str:
    """Return the remote branch's head; raise Usage for what is in the way of a bump.

    One unpushed commit that does nothing but this bump is what a killed call left, and is no obstacle (F27).
    """
    changes = world.repo.changes()
    if changes:
        shown = "\n".join(changes[:10])
        raise Usage(
            f"{name} has {len(changes)} uncommitted changes:\n{shown}", "Commit or stash them, then run the same again."
        )
    remote, head = world.repo.head_sha(name), world.repo.head()
    if remote is None:
        raise Usage(f"{name} is not pushed", f"git push -u {world.settings.release.remote} {name}")
    if head != remote and not _is_bump_alone(world, remote, head, version):
        raise Usage(
            f"{name} is at {head[:9]}, but at {remote[:9]} on the remote",
            f"Push or pull it first: git status; git pull --ff-only; git push {world.settings.release.remote} {name}",
        )
    return remote


def _is_bump_alone(world: World, remote: str, head: str, version: semver.Version) -> bool:
    if not world.repo.has_commit(remote) or world.repo.parents(head) != [remote]:
        return False
    return world.repo.changed_paths(remote, head) == [world.settings.image.config_file] and named_version(
        world, head
    ) == str(version)


def _named_here(world: World) -> str:
    """Return the version that config.py names at the checked-out commit, where it differs from the trunk's."""
    if world.version:
        return ""
    named = named_version(world, world.repo.head())
    return "" if named == named_version(world, trunk_sha(world)) else named


def _image_ref(world: World, version: semver.Version) -> str:
    """Return the branch to run on: the checked-out one, or `image-<version>` from the trunk."""
    here = world.repo.branch()
    return here if here and here != world.trunk and not parse_branch(here) else f"image-{version}"


def _ref(world: World, name: str) -> RemoteRef:
    sha = world.repo.head_sha(name)
    if sha is None:
        raise Usage(f"the remote has no branch {name}", "Push it first, or name another: --ref BRANCH")
    return RemoteRef(f"refs/heads/{name}", sha, sha)
