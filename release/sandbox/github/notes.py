"""The notes that GitHub generates for a release, sorted as the repository's `.github/release.yml` says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import yaml

from release.sandbox.github.answers import invalid
from release.sandbox.github.records import Json, Pull
from release.sandbox.github.state import Hub

FILES = (".github/release.yml", ".github/release.yaml")
OTHERS = "Other Changes"


def generated_notes(hub: Hub, asked: Json) -> str:
    """List the pull requests merged between two tags, as GitHub words it; raise 422 for what is not there."""
    tag, previous = str(asked.get("tag_name", "")), str(asked.get("previous_tag_name") or "")
    target = str(asked.get("target_commitish") or hub.settings.default_branch)
    sha = hub.bare.sha(f"refs/tags/{tag}") or hub.bare.sha(target)
    if sha is None or (previous and hub.bare.sha(f"refs/tags/{previous}") is None):
        raise invalid("Release", "invalid", "previous_tag_name" if sha else "target_commitish")
    shas = set(hub.bare.git("rev-list", sha, *([f"^refs/tags/{previous}"] if previous else [])).split())
    merged = [pull for pull in list(hub.pulls.values()) if pull.merge_sha in shas]
    lines = list(_changes(hub, merged, _settings(hub, sha, asked.get("configuration_file_path"))))
    compared = f"compare/{previous}...{tag}" if previous else f"commits/{tag}"
    changes = "\n".join(["## What's Changed", *lines, "", "", ""]) if lines else ""
    return f"{changes}**Full Changelog**: {hub.html}/{compared}"


def _settings(hub: Hub, sha: str, path: str | None) -> Json:
    texts = (hub.bare.file(sha, each) for each in ((path,) if path else FILES))
    found = yaml.safe_load(next(filter(None, texts), "{}")) or {}
    return found.get("changelog") or {}


def _changes(hub: Hub, merged: Iterable[Pull], settings: Json) -> Iterator[str]:
    left = [pull for pull in merged if not _is_excluded(pull, settings)]
    categories = settings.get("categories") or []
    for category in categories:
        mine = [pull for pull in left if _belongs(pull, category)]
        left = [pull for pull in left if pull not in mine]
        yield from _listed(hub, str(category.get("title", "")), mine)
    yield from _listed(hub, OTHERS if categories else "", left)


def _listed(hub: Hub, title: str, pulls: list[Pull]) -> Iterator[str]:
    if pulls and title:
        yield f"### {title}"
    yield from (f"* {pull.title} by @{pull.user} in {hub.html}/pull/{pull.number}" for pull in pulls)


def _belongs(pull: Pull, category: Json) -> bool:
    wanted = category.get("labels") or []
    return ("*" in wanted or bool(_folded(wanted) & _folded(pull.labels))) and not _is_excluded(pull, category)


def _is_excluded(pull: Pull, given: Json) -> bool:
    excluded = given.get("exclude") or {}
    labels, authors = excluded.get("labels") or [], excluded.get("authors") or []
    return "*" in labels or bool(_folded(labels) & _folded(pull.labels)) or pull.user in authors


def _folded(names: Iterable[str]) -> set[str]:
    return {str(name).casefold() for name in names}
