"""An image's release: its version in config.py pushed on a branch, its run, its proof, its pull request."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import semver

from release.artifacts.images import (
    check_image_free,
    check_runner_images,
    digests,
    image_fingerprints,
    image_in_config,
    runner_images,
)
from release.artifacts.s3 import check_unchanged
from release.artifacts.version_file import wheel_version_file
from release.call.context import Context
from release.call.ensure import ensure
from release.call.flags import IMAGE_RUN, ImageRun
from release.config_py import replace_constant
from release.errors import Conflict, Failed, Usage
from release.git.choice import chosen_version
from release.git.refs import HEADS, NEW, Push, RemoteRef, short_name
from release.git.repository import repository
from release.git.snapshot import remote, trunk
from release.git.tags import trunk_sha
from release.github.api import github
from release.github.commits import contains
from release.github.dispatch import EVENT, dispatch_run
from release.github.follow import follow_runs
from release.github.pulls import PullRequest, delete_branch, merge_pull_request, open_pull_request
from release.github.requests import Dispatch, image_request
from release.github.runs import Run, check_run, parse_run_id, runs_of
from release.versions import image_tags, parse_branch


def release_image(context: Context, version: semver.Version, on_trunk: bool = True, flags: ImageRun = IMAGE_RUN) -> str:
    """Release the image from a branch made from the trunk, or from the checked-out one; return the trunk's commit."""
    merged = branch_with_image(context, trunk(context), version)
    found = digests(context, runner_images(context, version)) if merged else {}
    if merged and all(found.values()):
        what = f"image {version}: on {trunk(context)} at {merged.sha[:9]}, every tag in the registry"
        context.report.step("done", what)
        check_runner_images(context, version, found)
        return merged.sha
    head = merged or (bump_apart(context, version) if on_trunk else bump_checked_out(context, version))
    build_images(context, version, head, flags)
    return merged.sha if merged else _merge_image_pull_request(context, version, head)


def build_images(context: Context, version: semver.Version, head: RemoteRef, flags: ImageRun = IMAGE_RUN) -> None:
    """Build the images from a branch whose config.py names the version, and prove them and all older ones (F21)."""
    before = image_fingerprints(context, bases_may_change=flags.build_base)
    request = replace(image_request(context, version, head, flags.build_base), before=before)
    started = dispatch_images(context, request, version, flags)
    prove_images(context, version, follow_runs(context, {"image": started})["image"], request)


def prove_images(context: Context, version: semver.Version, finished: Run, request: Dispatch) -> None:
    """Raise unless the run succeeded, every image of the version is there, and every old one is the same (F21)."""
    image = context.settings.image
    if plan_images(context, version, finished):
        return
    check_run(context, finished, request)
    check_unchanged(request.before, image_fingerprints(context), f"{image.repository} of {image.registry}")
    check_runner_images(context, version)


def plan_images(context: Context, version: semver.Version, run: Run) -> bool:
    """Say what images a dry run would have, and let later reads see them; return whether the run is one of those."""
    image = context.settings.image
    if run.status == "completed":
        return False
    tags = ", ".join(image_tags(image.tags, version, image.pythons))
    context.report.step("todo", f"images {tags} in {image.repository}")
    for name in runner_images(context, version):
        context.view.add(name, "planned")
    return True


def dispatch_images(context: Context, request: Dispatch, version: semver.Version, flags: ImageRun = IMAGE_RUN) -> Run:
    """Start the run; refuse to when some tag exists that it would overwrite (F21)."""
    found = digests(context, runner_images(context, version))
    if any(found.values()) and not flags.run:
        ours = _branch_runs(context, request)
        if flags.again or not ours:
            whose = "a new run would push it again" if ours else f"no run of {request.workflow} on its branch made it"
            check_image_free(found, f", and {whose}")
        made = [each for each in ours if each.conclusion == "success" and each.head_sha != request.sha]
        if made and all(found.values()):
            context.report.step("done", f"images of {version}, by run {made[0].id} at {made[0].head_sha[:9]}")
            return made[0]
    return dispatch_run(context, request, again=flags.again, run_id=parse_run_id(flags.run))


def _branch_runs(context: Context, request: Dispatch) -> list[Run]:
    """Return the workflow's runs of this branch at this commit or one it has grown from: a base was merged into it."""
    if request.sha == NEW:
        return []
    found = runs_of(github(context), "", EVENT, request.workflow, branch=request.name)
    return [each for each in found if contains(context, request.sha, each.head_sha)]


def open_image_pull_request(context: Context, version: semver.Version, head: RemoteRef) -> PullRequest:
    """Return the image's pull request, opening it if there is none; writes it at most once (F17)."""
    body = f"Sets the runner image's version to {version}."
    return open_pull_request(context, head, trunk(context), f"Use image {version}", body)


def _merge_image_pull_request(context: Context, version: semver.Version, head: RemoteRef) -> str:
    """Open the pull request, merge it, and return the trunk's commit that names the version."""
    merged = merge_pull_request(context, open_image_pull_request(context, version, head), head.sha)
    if merged.merge_sha == NEW:
        return NEW
    repository(context).need_commit(merged.merge_sha, f"{HEADS}{trunk(context)}")
    if not names_version(context, merged.merge_sha, version):
        where = f"its {', '.join(bumped_files(context))}"
        raise Failed(f"{merged.merge_sha[:9]} was merged, but {where} does not name {version}", f"Look: {merged.url}")
    if short_name(head) == image_branch(version):
        delete_branch(context, head)
    return merged.merge_sha


def image_version(context: Context, given: str) -> semver.Version:
    """Settle the version: given, settled, or what config.py names at the checked-out commit and not at the trunk's."""
    if not given and not context.version:
        named = image_in_config(context, repository(context).head())
        given = "" if named == image_in_config(context, trunk_sha(context)) else named
    return chosen_version(context, given)


def image_head(context: Context, version: semver.Version, name: str) -> RemoteRef:
    """Return the remote's branch of the name; without one the checked-out, or on the trunk `image-<version>`."""
    here = repository(context).branch()
    if not name:
        name = here if here and here != trunk(context) and not parse_branch(here) else image_branch(version)
    sha = remote(context).head_sha(name)
    if sha is None:
        raise Usage(f"the remote has no branch {name}", "Push it first, or name another: --ref BRANCH")
    return RemoteRef(f"{HEADS}{name}", sha, sha)


def image_branch(version: semver.Version) -> str:
    """Return the name of the branch that this tool makes for an image."""
    return f"image-{version}"


def bump_checked_out(context: Context, version: semver.Version) -> RemoteRef:
    """Return the checked-out branch with the version in config.py, committing and pushing it where it is missing.

    Raises Usage for a branch that is not clean, pushed and one's own; Conflict when an image of it exists.
    """
    name = _checked_out_branch(context)
    return _ensure_bump(context, version, Push(f"{HEADS}{name}", NEW, _clean_head(context, name, version)))


def bump_apart(context: Context, version: semver.Version) -> RemoteRef:
    """Return the branch `image-<version>`, else make it from the trunk; raise Conflict where it names another."""
    sha = trunk_sha(context)
    base = RemoteRef(f"{HEADS}{trunk(context)}", sha, sha)
    return _ensure_bump(context, version, Push(f"{HEADS}{image_branch(version)}", NEW), base)


def bump_line(context: Context, version: semver.Version, head: RemoteRef, image: bool = True) -> RemoteRef:
    """Return the line's release branch with the version in its files, committing and pushing it where it is missing."""
    return _ensure_bump(context, version, Push(head.name, NEW, expected=head.sha), head, image)


def bumped_files(context: Context, image: bool = True) -> list[str]:
    """Return the files that a release sets its version in: config.py for its image, and the one the wheel has it of."""
    names = (context.settings.image.config_file if image else "", context.settings.sdk.version_file)
    return [name for name in names if name]


def names_version(context: Context, sha: str, version: semver.Version, image: bool = True) -> bool:
    """Whether each of those files names the version at the commit; raise Usage for one that names none."""
    fixed = wheel_version_file(context, sha) if context.settings.sdk.version_file else None
    return (not image or image_in_config(context, sha) == str(version)) and (fixed is None or fixed.is_of(version))


def _ensure_bump(
    context: Context, version: semver.Version, push: Push, base: RemoteRef | None = None, image: bool = True
) -> RemoteRef:
    """Return the branch that names the version, else push the bump: a commit on `base`, or on what is checked out."""
    name = push.ref.removeprefix(HEADS)
    change = f"{context.settings.image.config_variable} = {version}" if image else f"version {version}"
    what = f"{change} on {name}" if push.expected else f"branch {name} from {trunk(context)} with {change}"
    look = partial(branch_with_image, context, name, version, strict=not push.expected, image=image)
    find = look if push.expected != NEW else lambda: None  # NEW: picks that a dry run plans
    if image and find() is None:
        check_image_free(digests(context, runner_images(context, version)))
    make = partial(_push_bump, context, version, push, base, image)
    return ensure(context, what, find=find, make=make, planned=RemoteRef(push.ref, NEW, NEW))


def branch_with_image(
    context: Context, name: str, version: semver.Version, strict: bool = False, image: bool = True
) -> RemoteRef | None:
    """Return the remote's branch if its head names the version, else None; `strict` raises for another."""
    sha = remote(context).head_sha(name)
    if sha is None:
        return None
    repository(context).need_commit(sha, f"{HEADS}{name}")
    named = names_version(context, sha, version, image)
    if strict and not named:
        look = f"git log {context.settings.release.remote}/{name}"
        files = " and ".join(bumped_files(context, image))
        raise Conflict(f"branch {name} names another version than {version} in {files}", f"Look at it: {look}")
    return RemoteRef(f"{HEADS}{name}", sha, sha) if named else None


def _push_bump(context: Context, version: semver.Version, push: Push, base: RemoteRef | None, image: bool) -> None:
    """Write the version, commit and push it: on what is checked out, or on the base in a worktree of its own."""
    repo = repository(context)
    if base:
        repo.need_commit(base.sha, base.name)
    with repo.worktree(base.sha) if base else nullcontext(repo.root) as tree:
        if _write_version(context, version, tree, image):  # else a killed call committed it
            message = f"Use image {version}" if image else f"Set version {version}"
            repo.commit(message, bumped_files(context, image), tree)
        repo.push([replace(push, sha=repo.git("rev-parse", "HEAD", cwd=tree))])


def _write_version(context: Context, version: semver.Version, tree: Path, image: bool) -> bool:
    """Write the version into each of its files of the tree that names another; return whether any did."""
    config, fixed = context.settings.image, context.settings.sdk.version_file
    before = {name: (tree / name).read_bytes() for name in bumped_files(context, image)}
    after = dict(before)
    if image:
        source = before[config.config_file]
        after[config.config_file] = replace_constant(source, config.config_variable, str(version), config.config_file)
    if found := wheel_version_file(context, repository(context).git("rev-parse", "HEAD", cwd=tree)) if fixed else None:
        after[fixed] = found.text_with(after[fixed], version)
    for name in (name for name in after if after[name] != before[name]):
        (tree / name).write_bytes(after[name])
    return after != before


def _checked_out_branch(context: Context) -> str:
    """Return the checked-out branch; raise Usage for a detached HEAD, the trunk and release branches."""
    name = repository(context).branch()
    if name is None:
        raise Usage("no branch is checked out", "git switch -c image-VERSION")
    if name == trunk(context) or parse_branch(name):
        what = f"{name} is {'the trunk' if name == trunk(context) else 'a release branch'}"
        raise Usage(what, "The image is bumped on a branch of its own: git switch -c image-VERSION")
    return name


def _clean_head(context: Context, name: str, version: semver.Version) -> str:
    """Return the remote branch's head; raise Usage for what is in the way of a bump."""
    changes, there = repository(context).changes(), context.settings.release.remote
    if changes:
        shown = "\n".join([f"{name} has {len(changes)} uncommitted changes:", *changes[:10]])
        raise Usage(shown, "Commit or stash them, then run the same again.")
    pushed, head = remote(context).head_sha(name), repository(context).head()
    if pushed is None:
        raise Usage(f"{name} is not pushed", f"git push -u {there} {name}")
    if head != pushed and not _is_bump_alone(context, pushed, head, version):  # a killed call's commit may be (F27)
        hint = f"Push or pull it first: git status; git pull --ff-only; git push {there} {name}"
        raise Usage(f"{name} is at {head[:9]}, but at {pushed[:9]} on the remote", hint)
    return pushed


def _is_bump_alone(context: Context, base: str, head: str, version: semver.Version) -> bool:
    repo = repository(context)
    return (
        repo.has_commit(base)
        and repo.parents(head) == [base]
        and set(repo.changed_paths(base, head)) <= {*bumped_files(context)}
        and names_version(context, head, version)
    )
