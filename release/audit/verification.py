"""All proofs of a version together, and its receipt kept or attached."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import semver

from release.artifacts.images import registry
from release.artifacts.s3 import bucket
from release.audit.expected import ExpectedState, expected_state
from release.audit.proofs import (
    ALL,
    Check,
    Proof,
    github_release_proofs,
    image_origin_proofs,
    proofs_of,
    sdk_images_proofs,
)
from release.audit.receipt import Evidence, Statement, differences, parse, statement, text
from release.call.context import Context
from release.call.ensure import ensure, save_file
from release.call.parallel import side_by_side
from release.errors import Conflict, Failed, Usage
from release.git.snapshot import trunk
from release.github.api import github
from release.github.releases import GitHubRelease, release_of

MEDIA_TYPE = "application/octet-stream"  # the one that GitHub describes for assets


def all_proofs(context: Context, claimed: ExpectedState, checks: Sequence[Check]) -> list[Proof]:
    """Return every proof of the checks, asked side by side."""
    _ = github(context), bucket(context), registry(context), trunk(context)  # opened once, not by each thread
    found = side_by_side([partial(proofs_of, context, claimed, check) for check in checks])
    return [proof for each in found for proof in each]


def check_proofs(version: semver.Version, proofs: Sequence[Proof]) -> None:
    """Raise Failed unless every proof holds, with the first one's next command."""
    failed = [proof for proof in proofs if not proof.holds]
    if failed:
        names = ", ".join(dict.fromkeys(proof.name for proof in failed))
        raise Failed(
            f"{len(failed)} of {len(proofs)} proofs of {version} do not hold: {names}",
            next((proof.fix for proof in failed if proof.fix), ""),
        )


def proved_receipt(context: Context, version: semver.Version) -> Statement:
    """Return the receipt of a version that is proved but for its GitHub Release; raise Failed naming what is not.

    How an image of an earlier release came about is that release's matter, and runs are not kept for ever.
    """
    claimed = expected_state(context, version)
    later = [image_origin_proofs, sdk_images_proofs] if claimed.image != version else []
    proofs = all_proofs(context, claimed, [check for check in ALL if check not in (github_release_proofs, *later)])
    for proof in proofs:
        if not proof.holds:
            context.report.step("failed", f"{proof.name}: {proof.says}")
    check_proofs(version, proofs)
    return statement(evidence(context, claimed, proofs))


def attach_receipt(context: Context, version: semver.Version, made: Statement) -> None:
    """Add the receipt to the GitHub Release; raise Conflict when it has another one, writes at most once."""
    release = release_of(context, version)
    if release is None:
        raise Usage(f"there is no GitHub Release {version}", f"inv release.notes --version {version}")
    name, content = f"{version}.intoto.json", text(made).encode()
    ensure(
        context,
        f"{name} attached to GitHub Release {version}",
        find=lambda: _attached(context, release, name, made),
        make=lambda: _upload(context, release, name, content),
        planned=0,
    )


def _upload(context: Context, release: GitHubRelease, name: str, content: bytes) -> None:
    if release.immutable:
        raise Failed(
            "this GitHub Release is immutable: nothing can be added to it",
            "Keep the receipt elsewhere (--receipt FILE); next time attach it to the draft.",
        )
    github(context).upload(release.upload_url, name, content, MEDIA_TYPE)


def _attached(context: Context, release: GitHubRelease, name: str, made: Statement) -> int | None:
    for asset in github(context).pages(f"releases/{release.id}/assets"):
        if asset["name"] == name:
            content = github(context).content(f"releases/assets/{asset['id']}", accept="application/octet-stream")
            changed = differences(parse(content, name), made)
            if changed:
                listed = "\n".join(changed)
                raise Conflict(f"{name} is attached and says otherwise:\n{listed}", f"Find out why: {release.url}")
            return int(asset["id"])
    return None


def evidence(context: Context, claimed: ExpectedState, proofs: Sequence[Proof]) -> Evidence:
    """Return what the proofs found, as a receipt keeps it."""
    home = github(context).web_url
    found = Evidence(parameters={"repository": home, "version": str(claimed.version)})
    found.sources[f"git+{home}@{claimed.tag.sha}"] = ("gitCommit", claimed.tag.sha)
    if claimed.tag.target != claimed.tag.sha:
        found.sources[f"git+{home}@{claimed.tag.name}"] = ("gitTag", claimed.tag.target)
    else:
        found.sources[f"git+{home}@{claimed.tag.name}"] = ("gitCommit", claimed.tag.sha)
    for proof in proofs:
        found.artifacts.update(proof.digests)
        if proof.run:
            found.runs[proof.name.removesuffix(" run")] = proof.run
    return found


def receipt_changes(file: Path, made: Statement) -> list[str]:
    """Return what the receipt in the file says otherwise; nothing when there is no such file."""
    return differences(parse(file.read_bytes(), str(file)), made) if file.is_file() else []


def keep_receipt(context: Context, file: Path, made: Statement) -> None:
    """Write the receipt where there is none; one that is there says the same, or this is not called."""
    if file.is_file():
        context.report.step("done", f"receipt {file}: nothing changed")
    else:
        save_file(context, f"receipt {file}", file, text(made))


def show_proofs(context: Context, proofs: Sequence[Proof]) -> None:
    """Print a line a proof, with its link where it does not hold."""
    for proof in proofs:
        status = "made" if proof.holds else "unknown" if proof.unknown else "failed"
        facts = {"proof": proof.name, "holds": proof.holds, "digests": dict(proof.digests), "link": proof.url}
        if not proof.holds:
            facts["url"] = proof.url
        context.report.step(status, f"{proof.name:14} {proof.says}", **facts)
