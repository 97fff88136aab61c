"""The GitHub Release of a version: a draft until everything else is proved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from release.backported import TRAILER
from release.cli import writes
from release.ensure import ensure
from release.errors import Usage
from release.github_releases import GitHubRelease, found_release
from release.lines import chosen_version, released
from release.pulls import Pull
from release.release import needed_tag
from release.tagged import notes_of, tagged_as
from release.verify import attach_receipt, proved_statement
from release.versions import line_of

if TYPE_CHECKING:
    import semver

    from release.world import World


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
    """Return the version's GitHub Release, published once all else of the version is proved.

    Writes the receipt while it is a draft, since nothing can be added to an immutable release, then the draft flag.
    Raises Failed, naming the proofs that do not hold.
    """

    def find() -> GitHubRelease | None:
        now = found_release(world, version)
        return now if now and not now.draft else None

    if not world.dry and find() is None:
        attach_receipt(world, version, proved_statement(world, version))
    return ensure(
        world,
        f"GitHub Release {version} published",
        find=find,
        make=lambda: world.github.send("PATCH", f"releases/{draft.id}", {"draft": False}),
        planned=draft,
    )


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
    picked = list(_picked(world, before, version)) if before else []
    return {
        "tag_name": str(version),
        "name": str(version),
        "body": notes_of(tagged_as(world, version))
        + "\n".join(["## Picked", *picked, "", ""] if picked else [])
        + generated["body"],
        "draft": True,
        "prerelease": bool(version.prerelease),
    }


def _picked(world: World, before: semver.Version, version: semver.Version) -> Iterator[str]:
    """Yield a line for each pull request that a pick since `before` came from: GitHub's notes do not know them."""
    seen: set[int] = set()
    for commit in world.github.pages(f"compare/{before}...{version}", key="commits"):
        for sha in TRAILER.findall(commit["commit"]["message"]):
            for body in world.github.find(f"commits/{sha}/pulls") or []:
                pull = Pull.parse(body)
                if pull.merged and pull.number not in seen:
                    seen.add(pull.number)
                    author = (body.get("user") or {}).get("login", "ghost")
                    yield f"* {body['title']} by @{author} in {pull.url}"
