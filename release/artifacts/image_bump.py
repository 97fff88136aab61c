"""What a bump writes into a commit's files, and what the commit of it will hold."""

from __future__ import annotations

import semver

from release.artifacts.version_file import Read, fixed_version_file
from release.call.context import Context
from release.call.plan import Content
from release.config_py import replace_constant
from release.errors import Usage
from release.git.objects import tree_with
from release.git.refs import NEW, RemoteRef
from release.git.repository import repository


def bumped_texts(context: Context, version: semver.Version, read: Read, image: bool = True) -> dict[str, bytes]:
    """Return the files that name the version, with the version in them: config.py, and the one the wheel has it of."""
    config, fixed = context.settings.image, context.settings.sdk.version_file
    texts: dict[str, bytes] = {}
    if image:
        before = _text(read, config.config_file)
        texts[config.config_file] = replace_constant(before, config.config_variable, str(version), config.config_file)
    if found := fixed_version_file(context, read) if fixed else None:
        texts[fixed] = found.text_with(texts.get(fixed) or _text(read, fixed), version)
    return texts


def bump_content(context: Context, version: semver.Version, base: RemoteRef, image: bool = True) -> Content:
    """Return what the commit of the bump on the base will hold; the base may be what a dry run would pick."""
    repo = repository(context)
    planned = context.view.get(Content, base.name) if base.sha == NEW else Content(base.sha, base.sha)
    if planned is None:
        return Content()
    repo.need_commit(planned.base, base.name)

    def _read(path: str) -> bytes | None:
        found = repo.store.read([f"{planned.tree}:{path}"])[0]
        return found.content if found else None

    tree = tree_with(repo, planned.tree, bumped_texts(context, version, _read, image))
    return Content(tree, planned.base, planned.commits + 1)


def _text(read: Read, path: str) -> bytes:
    content = read(path)
    if content is None:
        raise Usage(f"there is no {path}", "Set image.config_file in invoke.yaml.")
    return content
