"""The proof of a finished release, from outside alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from release import receipt as receipts
from release.claims import Claim, claim
from release.cli import reads, writes_if
from release.ensure import ensure
from release.errors import Conflict, Failed, Usage
from release.github_releases import GitHubRelease, found_release
from release.parallel import side_by_side
from release.proofs import ALL, Check, Proof, proved
from release.receipt import Evidence, Statement
from release.sdk import tagged_version

if TYPE_CHECKING:
    import semver

    from release.world import World

MEDIA_TYPE = "application/octet-stream"  # the one that GitHub describes for assets


@writes_if("attach")
@reads
def verify(
    world: World, version: str = "", name: str = "", receipt: str = "", attach: bool = False, shared: bool = False
) -> Statement:
    """Prove a finished release from outside, a line a proof.

    Example: inv release.verify --version 0.7.0 --receipt 0.7.0.json
    """
    wanted = tagged_version(world, version)
    claimed = claim(world, wanted, name, shared)
    proofs = prove(world, claimed, ALL)
    _show(world, proofs)
    made = receipts.statement(_evidence(world, claimed, proofs))
    changed = _changes(Path(receipt), made) if receipt else []
    for line in changed:
        world.report.step("failed", f"since {receipt}: {line}")
    check_proofs(wanted, proofs)
    if changed:
        raise Conflict(f"{len(changed)} things changed since {receipt}", "Find out who changed them.")
    if receipt:
        _keep(world, Path(receipt), made)
    if attach:
        attach_receipt(world, wanted, made)
    return made


def prove(world: World, claimed: Claim, checks: Sequence[Check]) -> list[Proof]:
    """Return every proof of the checks, asked side by side."""
    _ = world.github, world.bucket, world.registry, world.trunk  # opened once, not by each thread
    found = side_by_side([partial(proved, world, claimed, check) for check in checks])
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


def proved_statement(world: World, version: semver.Version) -> Statement:
    """Return the receipt of a version that is proved but for its GitHub Release; raise Failed naming what is not.

    How an image of an earlier release came about is that release's matter, and runs are not kept for ever.
    """
    claimed = claim(world, version)
    left_out = {"github_release"} if claimed.image == version else {"github_release", "image_origin", "sdk_images"}
    proofs = prove(world, claimed, [check for check in ALL if check.__name__ not in left_out])
    for proof in proofs:
        if not proof.holds:
            world.report.step("failed", f"{proof.name}: {proof.says}")
    check_proofs(version, proofs)
    return receipts.statement(_evidence(world, claimed, proofs))


def attach_receipt(world: World, version: semver.Version, made: Statement) -> None:
    """Add the receipt to the GitHub Release; raise Conflict when it has another one, writes at most once."""
    release = found_release(world, version)
    if release is None:
        raise Usage(f"there is no GitHub Release {version}", f"inv release.notes --version {version}")
    name, content = f"{version}.intoto.json", receipts.text(made).encode()
    ensure(
        world,
        f"{name} attached to GitHub Release {version}",
        find=lambda: _attached(world, release, name, made),
        make=lambda: _upload(world, release, name, content),
        planned=0,
    )


def _upload(world: World, release: GitHubRelease, name: str, content: bytes) -> None:
    if release.immutable:
        raise Failed(
            "this GitHub Release is immutable: nothing can be added to it",
            "Keep the receipt elsewhere (--receipt FILE); next time attach it to the draft.",
        )
    world.github.upload(release.upload_url, name, content, MEDIA_TYPE)


def _attached(world: World, release: GitHubRelease, name: str, made: Statement) -> int | None:
    for asset in world.github.pages(f"releases/{release.id}/assets"):
        if asset["name"] == name:
            content = world.github.content(f"releases/assets/{asset['id']}", accept="application/octet-stream")
            changed = receipts.differences(receipts.parse(content, name), made)
            if changed:
                listed = "\n".join(changed)
                raise Conflict(f"{name} is attached and says otherwise:\n{listed}", f"Find out why: {release.url}")
            return int(asset["id"])
    return None


def _evidence(world: World, claimed: Claim, proofs: Sequence[Proof]) -> Evidence:
    home = world.github.web_url
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


def _changes(file: Path, made: Statement) -> list[str]:
    """Return what the receipt in the file says otherwise; nothing when there is no such file."""
    return receipts.differences(receipts.parse(file.read_bytes(), str(file)), made) if file.is_file() else []


def _keep(world: World, file: Path, made: Statement) -> None:
    if file.is_file():
        world.report.step("done", f"receipt {file}: nothing changed")
    elif world.dry:
        world.report.step("todo", f"receipt {file}")
    else:
        file.write_text(receipts.text(made), encoding="utf-8")
        world.report.step("made", f"receipt {file}")


def _show(world: World, proofs: Sequence[Proof]) -> None:
    for proof in proofs:
        status = "made" if proof.holds else "unknown" if proof.unknown else "failed"
        facts = {"proof": proof.name, "holds": proof.holds, "digests": dict(proof.digests), "link": proof.url}
        if not proof.holds:
            facts["url"] = proof.url
        world.report.step(status, f"{proof.name:14} {proof.says}", **facts)
