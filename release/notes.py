"""The GitHub Release of a version: a draft until everything else is proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from release.cli import writes
from release.ensure import ensure
from release.errors import Usage
from release.lines import chosen_version, released
from release.release import needed_tag
from release.versions import line_of

if TYPE_CHECKING:
    import semver

    from release.world import World


@dataclass(frozen=True)
class GitHubRelease:
    """One GitHub Release; a `draft` is seen by those who may push alone."""

    id: int
    draft: bool
    url: str
    immutable: bool = False
    upload_url: str = ""


@writes
def notes(world: World, version: str = "", publish: bool = False) -> GitHubRelease:
    """Draft the GitHub Release; --publish publishes it.

    Example: inv release.notes --version 0.7.0
    """
    wanted = chosen_version(world, version)
    needed_tag(world, wanted)
    draft = drafted(world, wanted)
    return published(world, wanted, draft) if publish else draft


def drafted(world: World, version: semver.Version) -> GitHubRelease:
    """Return the version's GitHub Release, drafting it with generated notes where there is none."""
    return ensure(
        world,
        f"GitHub Release {version}",
        find=lambda: found_release(world, version),
        make=lambda: world.github.send("POST", "releases", _draft(world, version)),
        planned=GitHubRelease(0, True, ""),
    )


def published(world: World, version: semver.Version, draft: GitHubRelease) -> GitHubRelease:
    """Return the version's GitHub Release, published; writes only the draft flag."""

    def find() -> GitHubRelease | None:
        now = found_release(world, version)
        return now if now and not now.draft else None

    return ensure(
        world,
        f"GitHub Release {version} published",
        find=find,
        make=lambda: world.github.send("PATCH", f"releases/{draft.id}", {"draft": False}),
        planned=draft,
    )


def found_release(world: World, version: semver.Version) -> GitHubRelease | None:
    """Return the version's GitHub Release, a draft too, or None; the one published goes first."""
    found = world.github.find(f"releases/tags/{version}")
    if found is None:
        # GitHub finds no draft by its tag.
        drafts = (each for each in world.github.pages("releases") if each["draft"])
        found = next((each for each in drafts if each["tag_name"] == str(version)), None)
    return _parsed(found) if found else None


def _parsed(body: Mapping[str, Any]) -> GitHubRelease:
    upload = str(body.get("upload_url") or "").partition("{")[0]
    return GitHubRelease(body["id"], body["draft"], body["html_url"], bool(body.get("immutable")), upload)


def previous(versions: list[semver.Version], version: semver.Version) -> semver.Version | None:
    """Return the version before it: of its line if there is one, else the highest below it; no pre-releases."""
    below = [each for each in versions if each < version and not each.prerelease]
    on_line = [each for each in below if line_of(each) == line_of(version)]
    return max(on_line or below, default=None)


def _draft(world: World, version: semver.Version) -> dict[str, Any]:
    before = previous(released(world), version)
    asked = {"tag_name": str(version), **({"previous_tag_name": str(before)} if before else {})}
    generated = world.github.send("POST", "releases/generate-notes", asked)
    if not generated:
        raise Usage("GitHub generates no notes here")
    return {
        "tag_name": str(version),
        "name": str(version),
        "body": generated["body"],
        "draft": True,
        "prerelease": bool(version.prerelease),
    }
