"""The image's version in config.py, committed and pushed on a branch."""

from __future__ import annotations

from pathlib import Path

import semver

from release.artifacts.images import check_image_free, image_in_config
from release.call.context import Context
from release.call.ensure import ensure
from release.config_py import replace_constant
from release.errors import Conflict, Usage
from release.git.refs import NEW, Push, RemoteRef, short_name
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
    before = _clean_head(context, name, version)
    if branch_naming(context, name, version) is None:
        check_image_free(context, version)
    return ensure(
        context,
        f"{context.settings.image.config_variable} = {version} on {name}",
        find=lambda: branch_naming(context, name, version),
        make=lambda: commit_and_push(
            context, repository(context).root, version, Push(f"refs/heads/{name}", NEW, before)
        ),
        planned=RemoteRef(f"refs/heads/{name}", NEW, NEW),
    )


def bump_apart(context: Context, version: semver.Version) -> RemoteRef:
    """Return the branch `image-<version>` with the version in config.py, making it from the trunk where it is missing.

    Raises Conflict when it names another version, or when an image of this one exists.
    """
    name = image_branch(version)
    if branch_naming(context, name, version, other_is_conflict=True) is None:
        check_image_free(context, version)
    return ensure(
        context,
        f"branch {name} from {trunk(context)} with {context.settings.image.config_variable} = {version}",
        find=lambda: branch_naming(context, name, version, other_is_conflict=True),
        make=lambda: _push_image_branch(context, name, version),
        planned=RemoteRef(f"refs/heads/{name}", NEW, NEW),
    )


def branch_naming(
    context: Context, name: str, version: semver.Version, other_is_conflict: bool = False
) -> RemoteRef | None:
    """Return the remote's branch if config.py at its head names the version, else None."""
    sha = remote(context).head_sha(name)
    if sha is None:
        return None
    repository(context).need_commit(sha, f"refs/heads/{name}")
    named = image_in_config(context, sha)
    if named == str(version):
        return RemoteRef(f"refs/heads/{name}", sha, sha)
    if other_is_conflict:
        raise Conflict(
            f"branch {name} names image {named}, not {version}",
            f"Look at it: git log {context.settings.release.remote}/{name}",
        )
    return None


def commit_and_push(context: Context, tree: Path, version: semver.Version, push: Push) -> None:
    """Write the version into config.py in that tree, commit it there, and push the commit; writes all three."""
    image = context.settings.image
    path = tree / image.config_file
    source = path.read_bytes()
    changed = replace_constant(source, image.config_variable, str(version), image.config_file)
    if changed != source:
        path.write_bytes(changed)
        repository(context).commit(f"Use image {version}", [image.config_file], tree)
    repository(context).push([Push(push.ref, repository(context).git("rev-parse", "HEAD", cwd=tree), push.expected)])


def _push_image_branch(context: Context, name: str, version: semver.Version) -> None:
    base = trunk_sha(context)
    repository(context).need_commit(base, f"refs/heads/{trunk(context)}")
    with repository(context).worktree(base) as tree:
        commit_and_push(context, tree, version, Push(f"refs/heads/{name}", NEW))


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
    changes = repository(context).changes()
    if changes:
        shown = "\n".join(changes[:10])
        raise Usage(
            f"{name} has {len(changes)} uncommitted changes:\n{shown}", "Commit or stash them, then run the same again."
        )
    pushed, head = remote(context).head_sha(name), repository(context).head()
    if pushed is None:
        raise Usage(f"{name} is not pushed", f"git push -u {context.settings.release.remote} {name}")
    if head != pushed and not _is_bump_alone(context, pushed, head, version):
        raise Usage(
            f"{name} is at {head[:9]}, but at {pushed[:9]} on the remote",
            f"Push or pull it first: git status; git pull --ff-only; git push {context.settings.release.remote} {name}",
        )
    return pushed


def _is_bump_alone(context: Context, base: str, head: str, version: semver.Version) -> bool:
    if not repository(context).has_commit(base) or repository(context).parents(head) != [base]:
        return False
    return repository(context).changed_paths(base, head) == [context.settings.image.config_file] and image_in_config(
        context, head
    ) == str(version)


def bump_line(context: Context, version: semver.Version, head: RemoteRef) -> RemoteRef:
    """Return the line's release branch with the version in config.py, committing and pushing it where it is missing."""

    def find() -> RemoteRef | None:
        return None if head.sha == NEW else branch_naming(context, short_name(head), version)

    if find() is None:
        check_image_free(context, version)
    return ensure(
        context,
        f"{context.settings.image.config_variable} = {version} on {short_name(head)}",
        find=find,
        make=lambda: _push_line_bump(context, version, head),
        planned=RemoteRef(head.name, NEW, NEW),
    )


def _push_line_bump(context: Context, version: semver.Version, head: RemoteRef) -> None:
    repository(context).need_commit(head.sha, head.name)
    with repository(context).worktree(head.sha) as tree:
        commit_and_push(context, tree, version, Push(head.name, NEW, expected=head.sha))
