"""An image's release: its version in config.py pushed on a branch, its run, its proof, its pull request."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import semver

from release.artifacts.image_bump import bump_content, bumped_texts
from release.artifacts.images import (
    check_image_free,
    check_runner_images,
    digests,
    image_fingerprints,
    image_in_config,
    runner_images,
)
from release.artifacts.s3 import check_unchanged
from release.artifacts.version_file import tree_reader, wheel_version_file
from release.call.context import Context
from release.call.ensure import ensure, perform
from release.call.flags import IMAGE_RUN, ImageRun
from release.call.plan import LATER, Facts
from release.call.texts import amount
from release.errors import Conflict, Failed, Usage
from release.git.choice import chosen_version
from release.git.refs import HEADS, NEW, Push, RemoteRef, branch_ref, short_name
from release.git.repository import repository
from release.git.scratch import clear_leftovers, worktree
from release.git.snapshot import remote, trunk
from release.git.tags import trunk_ref, trunk_sha
from release.git.withdrawals import check_not_withdrawn
from release.github.api import github
from release.github.commits import contains
from release.github.dispatch import dispatch_run, matching_runs
from release.github.follow import follow_runs
from release.github.pulls import (
    PullRequest,
    delete_branch,
    merge_method,
    merge_pull_request,
    merged_branches,
    open_pull_request,
)
from release.github.requests import Dispatch, image_request
from release.github.runs import Run, check_run, parse_run_id
from release.versions import image_tags, parse_branch


def release_image(context: Context, version: semver.Version, on_trunk: bool = True, flags: ImageRun = IMAGE_RUN) -> str:
    """Release the image from a branch made from the trunk, or from the checked-out one; return the trunk's commit."""
    merged = branch_with_image(context, trunk(context), version)
    if merged:  # by a call that was killed before its branch went (F33)
        for leftover in merged_branches(context, image_branch(version)):
            delete_branch(context, leftover)
    found = digests(context, runner_images(context, version)) if merged else {}
    if merged and all(found.values()):
        what = f"image {version}: on {trunk(context)} at {merged.sha[:9]}, every tag in the registry"
        context.report.step("done", what)
        check_runner_images(context, version, found)
        return merged.sha
    if merged is None:
        merge_method(context, trunk(context))  # without one, nothing is begun
    head = merged or (bump_apart(context, version) if on_trunk else bump_checked_out(context, version))
    build_images(context, version, head, flags)
    return merged.sha if merged else _merge_image_pull_request(context, version, head)


def build_images(context: Context, version: semver.Version, head: RemoteRef, flags: ImageRun = IMAGE_RUN) -> None:
    """Build the images from a branch whose config.py names the version, and prove them and all older ones (F21)."""
    before = image_fingerprints(context, bases_may_change=flags.build_base)
    request = replace(image_run(context, version, head, flags.build_base), before=before)
    started = dispatch_images(context, request, version, flags)
    finished = follow_runs(context, {"image": started}, "every image is proved")["image"]
    prove_images(context, version, finished, request)


def prove_images(context: Context, version: semver.Version, finished: Run, request: Dispatch) -> None:
    """Raise unless the run succeeded, every image of the version is there, and every old one is the same (F21)."""
    image, before = context.settings.image, request.before
    if plan_images(context, version, finished):
        return
    check_run(context, finished, request)
    check_unchanged(before, image_fingerprints(context, before), f"{image.repository} of {image.registry}")
    check_runner_images(context, version)


def plan_images(context: Context, version: semver.Version, run: Run) -> bool:
    """Say what images a dry run would have, and let later reads see them; return whether the run is one of those."""
    image = context.settings.image
    if run.status == "completed":
        return False
    tags = image_tags(image.tags, version, image.pythons)
    made = {
        "images": f"{image.repository} {version}",
        "registry": image.registry,
        "digests": dict.fromkeys(tags, LATER),
    }
    perform(context, f"images {', '.join(tags)} in {image.repository}", lambda: None, None, made)
    for name in runner_images(context, version):
        context.view.add(name, "planned")
    return True


def dispatch_images(context: Context, request: Dispatch, version: semver.Version, flags: ImageRun = IMAGE_RUN) -> Run:
    """Start the run; refuse to when some tag exists that it would overwrite (F21)."""
    found = digests(context, runner_images(context, version))
    if any(found.values()) and not flags.run:
        ours = matching_runs(github(context), request)
        if flags.again or not ours:
            whose = "a new run would push it again" if ours else f"no run of {request.workflow} on its branch made it"
            check_image_free(found, f", and {whose}")
    return dispatch_run(context, request, again=flags.again, run_id=parse_run_id(flags.run))


def image_run(context: Context, version: semver.Version, head: RemoteRef, build_base: bool = False) -> Dispatch:
    """Return the run to ask for; one of an earlier commit of the branch that names the version counts too.

    A base that was merged into the branch since, or a review's change, is no reason to build an image twice.
    """

    @cache
    def _names(sha: str) -> bool:
        if not contains(context, head.sha, sha):
            return False
        repository(context).need_commit(sha)
        return image_in_config(context, sha) == str(version)

    return replace(image_request(context, version, head, build_base), also=_names)


def open_image_pull_request(context: Context, version: semver.Version, head: RemoteRef) -> PullRequest:
    """Return the image's pull request, opening it if there is none; writes it at most once (F17)."""
    body = f"Sets the runner image's version to {version}."
    return open_pull_request(context, head, trunk(context), f"Use image {version}", body)


def _merge_image_pull_request(context: Context, version: semver.Version, head: RemoteRef) -> str:
    """Open the pull request, merge it, and return the trunk's commit that names the version."""
    merged = merge_pull_request(context, open_image_pull_request(context, version, head), head.sha)
    if merged.merge_sha != NEW and not names_version(context, merged.merge_sha, version):
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


def image_to_make(context: Context, given: str) -> semver.Version:
    """Settle the version as `image_version` does; raise Conflict for one that was taken back: it gets no image."""
    remote(context).look_at_all()  # the trunk's name costs that much
    version = image_version(context, given)
    check_not_withdrawn(context, version)
    return version


def image_head(context: Context, version: semver.Version, name: str) -> RemoteRef:
    """Return the remote's branch of the name; without one the checked-out, or on the trunk `image-<version>`."""
    here = repository(context).branch()
    if not name:
        name = here if here and here != trunk(context) and not parse_branch(here) else image_branch(version)
    sha = remote(context).head_sha(name)
    if sha is None:
        raise Usage(f"the remote has no branch {name}", "Push it first, or name another: --ref BRANCH")
    return branch_ref(name, sha)


def image_branch(version: semver.Version) -> str:
    """Return the name of the branch that this tool makes for an image."""
    return f"image-{version}"


def bump_checked_out(context: Context, version: semver.Version) -> RemoteRef:
    """Return the checked-out branch with the version in config.py, committing and pushing it where it is missing.

    Raises Usage for a branch that is not clean, pushed and one's own; Conflict when an image of it exists.
    """
    name, repo = _checked_out_branch(context, version), repository(context)
    found = bump_line(context, version, _clean_head(context, name, version))
    if found.sha not in (NEW, repo.head()):
        # Made elsewhere and pushed first: whatever fails before, a hook or a kill, the checkout is as it was (F25).
        perform(context, f"{name} here at {found.sha[:9]}", lambda: repo.fast_forward(found.sha), None)
    return found


def bump_apart(context: Context, version: semver.Version) -> RemoteRef:
    """Return the branch `image-<version>`, else make it from the trunk; raise Conflict where it names another."""
    return _ensure_bump(context, version, Push(f"{HEADS}{image_branch(version)}", NEW), trunk_ref(context))


def bump_line(context: Context, version: semver.Version, head: RemoteRef, image: bool = True) -> RemoteRef:
    """Return the branch of this head with the version in its files, committing and pushing it where it is missing."""
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
    context: Context, version: semver.Version, push: Push, base: RemoteRef, image: bool = True
) -> RemoteRef:
    """Return the branch that names the version, else push the bump, a commit on `base`."""
    clear_leftovers(repository(context))  # a bump that was pushed and killed then makes no worktree any more
    name = push.ref.removeprefix(HEADS)
    change = f"{context.settings.image.config_variable} = {version}" if image else f"version {version}"
    what = f"{change} on {name}" if push.expected else f"branch {name} from {trunk(context)} with {change}"
    look = partial(branch_with_image, context, name, version, strict=not push.expected, image=image)
    find = look if push.expected != NEW else lambda: None  # NEW: picks that a dry run plans
    if image and find() is None:
        check_image_free(digests(context, runner_images(context, version)))
    make = partial(_push_bump, context, version, push, base, image)

    def _facts(there: RemoteRef | None) -> Facts:
        return {"bump": push.ref, "commit": there.sha if there else bump_content(context, version, base, image)}

    return ensure(context, what, find=find, make=make, planned=branch_ref(name, NEW), facts=_facts)


def branch_with_image(
    context: Context, name: str, version: semver.Version, strict: bool = False, image: bool = True
) -> RemoteRef | None:
    """Return the remote's branch if its head names the version, else None; `strict` raises for another."""
    sha = remote(context).head_sha(name)
    if sha is None:
        return None
    named = names_version(context, sha, version, image)
    if strict and not named:
        look = f"git log {context.settings.release.remote}/{name}"
        files = " and ".join(bumped_files(context, image))
        raise Conflict(f"branch {name} names another version than {version} in {files}", f"Look at it: {look}")
    return branch_ref(name, sha) if named else None


def _push_bump(context: Context, version: semver.Version, push: Push, base: RemoteRef, image: bool) -> None:
    """Write the version on the base in a worktree of its own, commit and push it."""
    repo = repository(context)
    repo.need_commit(base.sha, base.name)
    with worktree(repo, base.sha) as tree:
        for path, text in bumped_texts(context, version, tree_reader(tree), image).items():
            (tree / path).write_bytes(text)
        message = f"Use image {version}" if image else f"Set version {version}"
        repo.push([replace(push, sha=repo.commit(message, bumped_files(context, image), tree))])


def _checked_out_branch(context: Context, version: semver.Version) -> str:
    """Return the checked-out branch; raise Usage for a detached HEAD, the trunk and release branches."""
    name = repository(context).branch()
    if name is None:
        raise Usage("no branch is checked out", f"Make one: git switch -c image-{version}")
    if name == trunk(context) or parse_branch(name):
        what = f"{name} is {'the trunk' if name == trunk(context) else 'a release branch'}"
        raise Usage(what, f"The image is bumped on a branch of its own: git switch -c image-{version}")
    return name


def _clean_head(context: Context, name: str, version: semver.Version) -> RemoteRef:
    """Return the remote's branch; raise Usage for what is in the way of a bump."""
    changes, there = repository(context).changes(), context.settings.release.remote
    if changes:
        shown = "\n".join([f"{name} has {amount(len(changes), 'uncommitted change')}:", *changes[:10]])
        raise Usage(shown, "Commit or stash them, then run the same again.")
    pushed, head = remote(context).head_sha(name), repository(context).head()
    if pushed is None:
        raise Usage(f"{name} is not pushed", f"git push -u {there} {name}")
    repository(context).need_commit(pushed, f"{HEADS}{name}")
    if head != pushed and not _is_bump_alone(context, head, pushed, version):  # a killed call pushed that (F27)
        hint = f"Push or pull it first: git status; git pull --ff-only; git push {there} {name}"
        raise Usage(f"{name} is at {head[:9]}, but at {pushed[:9]} on the remote", hint)
    return RemoteRef(f"{HEADS}{name}", pushed, pushed)


def _is_bump_alone(context: Context, base: str, head: str, version: semver.Version) -> bool:
    repo = repository(context)
    return (
        repo.parents(head) == [base]
        and set(repo.changed_paths(base, head)) <= {*bumped_files(context)}
        and names_version(context, head, version)
    )
