"""What is out there of the newest versions and their lines, read side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import semver

from release.artifacts.component_release import is_sdk
from release.artifacts.images import digests, image_version_in_config, registry, runner_images, tagged_images
from release.artifacts.s3 import bucket, wheel_key
from release.audit.status import PARTS, LineState, Overview, Part, Version
from release.call.context import Context
from release.call.parallel import side_by_side
from release.errors import ReleaseError
from release.git.lines import release_branches
from release.git.refs import RemoteRef, short_name
from release.git.repository import repository
from release.git.snapshot import remote, trunk
from release.git.tags import TaggedRelease, tagged_releases, trunk_ref, trunk_sha, written_at
from release.git.withdrawals import withdrawals
from release.github.api import github
from release.github.commits import image_commit
from release.github.pulls import pulls_of
from release.github.releases import GitHubRelease
from release.picks.history import backported_commits
from release.settings import Component
from release.versions import Line, line_of, released_versions


def overview(context: Context, line: Line | None, last: int) -> Overview:
    """Return the `last` newest versions, of one line if it is given, and the lines they are of."""
    _ = github(context), bucket(context), registry(context), trunk(context)  # opened once, not by each thread
    tags = {short_name(ref): ref for ref in remote(context).tags(f"{line}." if line else "")}
    released = released_versions(tags)
    shown = released[-last:][::-1]
    lines, branches = {line_of(version) for version in shown}, release_branches(context, line)
    tip = trunk_ref(context)
    for ref in (tip, *branches.values(), *(tags[str(version)] for version in shown)):
        repository(context).need_commit(ref.sha, ref.name)
    told = {each.version: each for line in lines for each in tagged_releases(context, line)}
    # A branch above all that is released is a line that just begins.
    lines |= {each for each in branches if not released or each > line_of(released[-1])}
    gone = {each.version: each.brief or "no reason is known" for each in withdrawals(context, lines)}
    begun = [_version_in_git(context, told[each], branches, gone.get(str(each), "")) for each in shown]
    shas: dict[Line, dict[semver.Version, str]] = {each: {} for each in lines}
    for version in released:
        if line_of(version) in shas:
            shas[line_of(version)][version] = tags[str(version)].sha
    reads = [partial(_line, context, each, branches.get(each), shas[each]) for each in sorted(lines, reverse=True)]
    found: list[Any] = side_by_side([*reads, partial(_versions, context, begun)])
    hub = github(context)
    more = len({line_of(version) for version in released} | branches.keys()) - len(lines)
    given_up = {name: why for name, why in gone.items() if name not in tags}
    at = context.clock.now()
    return Overview(
        hub.repository, hub.web_url, trunk(context), at, found[:-1], found[-1], more, len(released), given_up
    )


def _version_in_git(
    context: Context, told: TaggedRelease, branches: Mapping[Line, RemoteRef], withdrawn: str
) -> Version:
    """Return what Git alone tells of a version."""
    sha, branch = told.ref.sha, branches.get(line_of(told.version))
    at = told.at or written_at(repository(context).commit_parts(sha)[0])
    on_branch = branch is None or repository(context).is_ancestor(sha, branch.sha)
    image = image_version_in_config(context, sha)
    return Version(told.version, sha, at, image, on_branch, told.components, withdrawn=withdrawn)


def _line(context: Context, line: Line, branch: RemoteRef | None, shas: Mapping[semver.Version, str]) -> LineState:
    """Return how the line stands; `shas` are the commits of its versions."""
    newest = max(shas, default=None)
    if branch is None:
        return LineState(line, newest=newest)
    repo, tip, unreleased, pickable = repository(context), trunk_sha(context), None, None
    with suppress(ReleaseError):  # shown as unknown
        known = [f"^{sha}" for sha in shas.values() if repo.has_commit(sha)]
        unreleased = int(repo.git("rev-list", "--count", branch.sha, f"^{tip}", *known, "--"))
        beyond = repo.whole("rev-list", "--no-merges", tip, f"^{branch.sha}", "--").split()
        pickable = len(set(beyond) - set(backported_commits(repo, branch.sha, tip)))
    return LineState(line, short_name(branch), branch.sha, newest, unreleased, pickable)


def _versions(context: Context, begun: Sequence[Version]) -> list[Version]:
    own = [partial(_own_parts, context, each) for each in begun]
    found: list[Any] = side_by_side([partial(_releases, context, begun), partial(_images, context, begun), *own])
    releases, images, *parts = found
    known = [
        (each, platforms, wheel, images[str(each.image)], pull, releases[str(each.version)])
        for each, (platforms, wheel, pull) in zip(begun, parts, strict=True)
    ]
    return side_by_side([partial(_with_runs, context, _with_parts(context, *each)) for each in known])


def _own_parts(context: Context, version: Version) -> list[Part]:
    """Return what no other version has a part in: platform, wheel, pull request."""
    return side_by_side([partial(_part, kind, context, version) for kind in (_platform, _wheel, _pull)])


def _with_parts(context: Context, version: Version, *found: Part) -> Version:
    platforms, wheel, *_ = found
    tag = Part("out", at=version.at, url=f"{github(context).web_url}/releases/tag/{version.version}")
    parts = dict(zip(PARTS, (tag, *found), strict=True))
    # An individual release whose tag does not say of what it is: what of it is not out does not belong to it.
    if not version.components and not version.on_branch and "out" in (platforms.state, wheel.state):
        parts |= {name: Part("none") for name in ("platform", "wheel") if parts[name].state == "missing"}
    return replace(version, parts=parts)


def _part(read: Callable[..., Part], *arguments: object) -> Part:
    """Return the part, or unknown with the reason where its source does not answer."""
    try:
        return read(*arguments)
    except ReleaseError as error:
        return Part("unknown", error.problem)


def _platform(context: Context, version: Version) -> Part:
    images = {image for part in _components(context, version) for image in part.images}
    if version.components and not images:
        return Part("none")
    wanted = [name for name in context.settings.platform.images if not version.components or name in images]
    return _images_part(context, tagged_images(wanted, version.version))


def _wheel(context: Context, version: Version) -> Part:
    if version.components and not any(is_sdk(context, part) for part in _components(context, version)):
        return Part("none")
    found = bucket(context).object(wheel_key(context, version.version))
    return Part("out", at=found.modified.isoformat()) if found else Part("missing")


def _components(context: Context, version: Version) -> list[Component]:
    known = context.settings.components
    return [known[name] for name in version.components if name in known]


def _pull(context: Context, version: Version) -> Part:
    if version.image != version.version:
        return Part("none")
    commit = image_commit(context, version.sha)
    found = pulls_of(context, commit)
    merged = next((each for each in found if each.merged), None)
    if merged:
        return Part("out", f"#{merged.number}", merged.at, merged.url)
    opened = next((each for each in found if each.state == "open"), None)
    if opened:
        return Part("waiting", f"#{opened.number}", opened.at, opened.url)
    on_trunk = commit and repository(context).is_ancestor(commit, trunk_sha(context))
    return Part("missing" if on_trunk else "none")


def _images(context: Context, begun: Sequence[Version]) -> dict[str, Part]:
    """Return the SDK images' part by image version, each asked for once."""
    wanted = {str(each.image): each.image for each in begun if each.image}
    read = partial(_part, lambda image: _images_part(context, runner_images(context, image)))
    reads = [partial(read, image) for image in wanted.values()]
    return {"None": Part("unknown"), **dict(zip(wanted, side_by_side(reads), strict=True))}


def _images_part(context: Context, images: Sequence[str]) -> Part:
    found = [bool(digest) for digest in digests(context, images).values()]
    return Part("out" if all(found) else "missing", f"{sum(found)}/{len(found)}")


def _releases(context: Context, begun: Sequence[Version]) -> dict[str, Part]:
    """Return the GitHub Releases of the versions, from as few pages of the list as hold them."""
    parts: dict[str, Part] = {}
    wanted, others = {str(each.version) for each in begun}, Part("missing")
    try:
        for body in github(context).pages("releases"):
            name, found = body["tag_name"], GitHubRelease.parse(body)
            # Several may have the tag: a published one goes before a draft.
            if name in wanted and (name not in parts or not found.draft):
                draft = ("waiting", "draft", body.get("created_at") or "", found.url)
                parts[name] = Part(*draft) if found.draft else Part("out", at=found.published_at, url=found.url)
            if len(parts) == len(wanted):
                break
    except ReleaseError as error:
        others = Part("unknown", error.problem)
    return {name: parts.get(name, others) for name in wanted}


def _with_runs(context: Context, version: Version) -> Version:
    """Mark as waiting what a run at the tag's commit is still making."""
    if not {"platform", "wheel"} & set(version.missing):
        return version
    parts, bodies = dict(version.parts), []
    with suppress(ReleaseError):
        bodies = list(github(context).pages("actions/runs", key="workflow_runs", head_sha=version.sha))
    for body in bodies:
        name = "wheel" if body["path"].endswith(f"/{context.settings.sdk.workflow}") else "platform"
        ours = body["head_branch"] == str(version.version)  # another tag, or the branch, may be at this commit
        if ours and body["status"] != "completed" and parts[name].state == "missing":
            parts[name] = Part("waiting", parts[name].note, body["created_at"], body["html_url"])
    return replace(version, parts=parts)
