"""The GitHub Release of a version: a draft until everything else is proved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import semver

from release.audit.receipt import attach_receipt, proved_receipt
from release.call.context import Context
from release.call.ensure import ensure
from release.errors import Usage
from release.git.lines import line_versions
from release.git.tags import release_scope, tagged_release
from release.github.api import github
from release.github.pulls import PullRequest
from release.github.releases import GitHubRelease, release_of
from release.picks.history import TRAILER
from release.versions import line_of


def draft_release(context: Context, version: semver.Version) -> GitHubRelease:
    """Return the version's GitHub Release, drafting it with generated notes where there is none."""
    return ensure(
        context,
        f"GitHub Release {version}",
        find=lambda: release_of(context, version),
        make=lambda: github(context).send("POST", "releases", _release_body(context, version)),
        planned=GitHubRelease(0, True, ""),
    )


def publish_release(context: Context, version: semver.Version, draft: GitHubRelease) -> GitHubRelease:
    """Return the version's GitHub Release, published once all else of the version is proved.

    Writes the receipt while it is a draft, since nothing can be added to an immutable release, then the draft flag.
    Raises Failed, naming the proofs that do not hold.
    """

    def _find() -> GitHubRelease | None:
        now = release_of(context, version)
        return now if now and not now.draft else None

    def _publish() -> None:
        attach_receipt(context, version, proved_receipt(context, version))
        github(context).send("PATCH", f"releases/{draft.id}", {"draft": False})

    return ensure(context, f"GitHub Release {version} published", find=_find, make=_publish, planned=draft)


def previous_version(versions: list[semver.Version], version: semver.Version) -> semver.Version | None:
    """Return the version before it: of its line if there is one, else the highest below it; no pre-releases."""
    below = [each for each in versions if each < version and not each.prerelease]
    on_line = [each for each in below if line_of(each) == line_of(version)]
    return max(on_line or below, default=None)


def _release_body(context: Context, version: semver.Version) -> dict[str, Any]:
    before = previous_version(line_versions(context), version)
    asked = {"tag_name": str(version), **({"previous_tag_name": str(before)} if before else {})}
    generated = github(context).send("POST", "releases/generate-notes", asked)
    if not generated:
        raise Usage("GitHub generates no notes here")
    picks = list(_pick_lines(context, before, version)) if before else []
    listed = "\n".join(["## Picked", *picks, "", ""] if picks else [])
    body = release_scope(tagged_release(context, version)) + listed + generated["body"]
    facts = {"draft": True, "prerelease": bool(version.prerelease)}
    return {"tag_name": str(version), "name": str(version), "body": body, **facts}


def _pick_lines(context: Context, before: semver.Version, version: semver.Version) -> Iterator[str]:
    """Yield a line for each pull request that a pick since `before` came from: GitHub's notes do not know them."""
    seen: set[int] = set()
    for commit in github(context).pages(f"compare/{before}...{version}", key="commits"):
        for sha in TRAILER.findall(commit["commit"]["message"]):
            for body in github(context).find(f"commits/{sha}/pulls") or []:
                pull = PullRequest.parse(body)
                if pull.merged and pull.number not in seen:
                    seen.add(pull.number)
                    author = (body.get("user") or {}).get("login", "ghost")
                    yield f"* {body['title']} by @{author} in {pull.url}"
