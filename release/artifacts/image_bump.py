"""The image's version in config.py, committed and pushed on a branch."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import semver

from release.artifacts.images import check_image_free, image_in_config
from release.call.context import Context
from release.call.ensure import ensure
from release.config_py import replace_constant
from release.errors import Conflict, Usage
from release.git.refs import HEADS, NEW, Push, RemoteRef
from release.git.repository import repository
from release.git.snapshot import remote, trunk
from release.git.tags import trunk_sha
from release.versions import parse_branch


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
    """Return the branch `image-<version>` with the version in config.py, making it from the trunk where it is missing.

    Raises Conflict when it names another version, or when an image of this one exists.
    """
    sha = trunk_sha(context)
    base = RemoteRef(f"{HEADS}{trunk(context)}", sha, sha)
    return _ensure_bump(context, version, Push(f"{HEADS}{image_branch(version)}", NEW), base)


def bump_line(context: Context, version: semver.Version, head: RemoteRef) -> RemoteRef:
    """Return the line's release branch with the version in config.py, committing and pushing it where it is missing."""
    return _ensure_bump(context, version, Push(head.name, NEW, expected=head.sha), head)


def _ensure_bump(context: Context, version: semver.Version, push: Push, base: RemoteRef | None = None) -> RemoteRef:
    """Return the branch that names the version, else push the bump: a commit on `base`, or on what is checked out."""
    name = push.ref.removeprefix(HEADS)
    what = f"{context.settings.image.config_variable} = {version}"

    def find() -> RemoteRef | None:
        if push.expected == NEW:  # picks that a dry run plans
            return None
        return branch_with_image(context, name, version, other_is_conflict=not push.expected)

    if find() is None:
        check_image_free(context, version)
    return ensure(
        context,
        f"{what} on {name}" if push.expected else f"branch {name} from {trunk(context)} with {what}",
        find=find,
        make=lambda: _push_bump(context, version, push, base),
        planned=RemoteRef(push.ref, NEW, NEW),
    )


def branch_with_image(
    context: Context, name: str, version: semver.Version, other_is_conflict: bool = False
) -> RemoteRef | None:
    """Return the remote's branch if config.py at its head names the version, else None."""
    sha = remote(context).head_sha(name)
    if sha is None:
        return None
    repository(context).need_commit(sha, f"{HEADS}{name}")
    named = image_in_config(context, sha)
    if other_is_conflict and named != str(version):
        look = f"git log {context.settings.release.remote}/{name}"
        raise Conflict(f"branch {name} names image {named}, not {version}", f"Look at it: {look}")
    return RemoteRef(f"{HEADS}{name}", sha, sha) if named == str(version) else None


def _push_bump(context: Context, version: semver.Version, push: Push, base: RemoteRef | None) -> None:
    """Write the version, commit and push it: on what is checked out, or on the base in a worktree of its own."""
    image, repo = context.settings.image, repository(context)
    if base:
        repo.need_commit(base.sha, base.name)
    with repo.worktree(base.sha) if base else nullcontext(repo.root) as tree:
        path = tree / image.config_file
        source = path.read_bytes()
        changed = replace_constant(source, image.config_variable, str(version), image.config_file)
        if changed != source:  # else a killed call committed it
            path.write_bytes(changed)
            repo.commit(f"Use image {version}", [image.config_file], tree)
        repo.push([replace(push, sha=repo.git("rev-parse", "HEAD", cwd=tree))])


def _checked_out_branch(context: Context) -> str:
    """Return the checked-out branch; raise Usage for a detached HEAD, the trunk and release branches."""
    name = repository(context).branch()
    if name is None:
        raise Usage("no branch is checked out", "git switch -c image-VERSION")
    if name == trunk(context) or parse_branch(name):
        raise Usage(
            f"{name} is {'the trunk' if name == trunk(context) else 'a release branch'}",
            "The image is bumped on a branch of its own: git switch -c image-VERSION",
        )
    return name


def _clean_head(context: Context, name: str, version: semver.Version) -> str:
    """Return the remote branch's head; raise Usage for what is in the way of a bump.

    One unpushed commit that does nothing but this bump is what a killed call left, and is no obstacle (F27).
    """
    changes, there = repository(context).changes(), context.settings.release.remote
    if changes:
        shown = "\n".join([f"{name} has {len(changes)} uncommitted changes:", *changes[:10]])
        raise Usage(shown, "Commit or stash them, then run the same again.")
    pushed, head = remote(context).head_sha(name), repository(context).head()
    if pushed is None:
        raise Usage(f"{name} is not pushed", f"git push -u {there} {name}")
    if head != pushed and not _is_bump_alone(context, pushed, head, version):
        raise Usage(
            f"{name} is at {head[:9]}, but at {pushed[:9]} on the remote",
            f"Push or pull it first: git status; git pull --ff-only; git push {there} {name}",
        )
    return pushed


def _is_bump_alone(context: Context, base: str, head: str, version: semver.Version) -> bool:
    repo = repository(context)
    return (
        repo.has_commit(base)
        and repo.parents(head) == [base]
        and repo.changed_paths(base, head) == [context.settings.image.config_file]
        and image_in_config(context, head) == str(version)
    )
