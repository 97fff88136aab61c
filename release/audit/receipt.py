"""A proved release as an in-toto Statement: what it says, where it is kept, what two of them disagree on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import semver

from release.audit.expected import ExpectedState, expected_state
from release.audit.proofs import (
    CHECKS,
    Proof,
    check_proofs,
    github_release_proofs,
    image_origin_proofs,
    proofs_of,
    sdk_images_proofs,
)
from release.call.context import Context
from release.call.ensure import ensure, save_file
from release.errors import Conflict, Failed, Usage
from release.github.api import github
from release.github.releases import GitHubRelease, release_of

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:release-tasks:release:v1"
MEDIA_TYPE = "application/octet-stream"  # the one that GitHub describes for assets
Statement = dict[str, Any]


@dataclass
class Evidence:
    """What the proofs of one release found out there.

    `artifacts` are digests by name, `sources` Git objects by address (each a kind such as gitCommit and a sha),
    `runs` addresses by workflow, `parameters` what else identifies the release.
    """

    artifacts: dict[str, str] = field(default_factory=dict)
    sources: dict[str, tuple[str, str]] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)


def statement(evidence: Evidence) -> Statement:
    """Return the Statement (in-toto attestation v1) with the predicate of SLSA provenance v1.

    It holds nothing of the moment it was made in, so that the same release gives the same bytes.
    """
    return {
        "_type": STATEMENT,
        "subject": [_descriptor(name, digest) for name, digest in sorted(evidence.artifacts.items())],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": dict(sorted(evidence.parameters.items())),
                "resolvedDependencies": [
                    {"uri": uri, "digest": {kind: sha}} for uri, (kind, sha) in sorted(evidence.sources.items())
                ],
            },
            "runDetails": {
                "builder": {"id": evidence.parameters.get("repository", "")},
                "metadata": {"invocationId": evidence.runs.get("sdk") or next(iter(evidence.runs.values()), "")},
                "byproducts": [{"name": name, "uri": url} for name, url in sorted(evidence.runs.items())],
            },
        },
    }


def receipt_of(context: Context, expected: ExpectedState, proofs: Sequence[Proof]) -> Statement:
    """Return what the proofs of a version found, as a receipt."""
    home, tag = github(context).web_url, expected.tag
    found = Evidence(parameters={"repository": home, "version": str(expected.version)})
    found.sources[f"git+{home}@{tag.sha}"] = ("gitCommit", tag.sha)
    kind = "gitTag" if tag.target != tag.sha else "gitCommit"
    found.sources[f"git+{home}@{tag.name}"] = (kind, tag.target)
    for proof in proofs:
        found.artifacts.update(proof.digests)
        if proof.run:
            found.runs[proof.name.removesuffix(" run")] = proof.run
    return statement(found)


def proved_receipt(context: Context, version: semver.Version) -> Statement:
    """Return the receipt of a version that is proved but for its GitHub Release; raise Failed naming what is not.

    How an image of an earlier release came about is that release's matter, and runs are not kept for ever.
    """
    expected = expected_state(context, version)
    later = [image_origin_proofs, sdk_images_proofs] if expected.image != version else []
    left_out = (github_release_proofs, *later)
    proofs = proofs_of(context, expected, [check for check in CHECKS if check not in left_out])
    for proof in proofs:
        if not proof.holds:
            context.report.step("failed", f"{proof.name}: {proof.says}")
    check_proofs(version, proofs)
    return receipt_of(context, expected, proofs)


def attach_receipt(context: Context, version: semver.Version, receipt: Statement) -> None:
    """Add the receipt to the GitHub Release; raise Conflict when it has another one, writes at most once."""
    release = release_of(context, version)
    if release is None:
        raise Usage(f"there is no GitHub Release {version}", f"inv release.notes --version {version}")
    name = f"{version}.intoto.json"
    ensure(
        context,
        f"{name} attached to GitHub Release {version}",
        find=lambda: _asset_id(context, release, name, receipt),
        make=lambda: _upload(context, release, name, receipt),
        planned=0,
    )


def keep_receipt(context: Context, file: Path, receipt: Statement) -> None:
    """Write the receipt where there is none; one that is there says the same, or this is not called."""
    if file.is_file():
        context.report.step("done", f"receipt {file}: nothing changed")
    else:
        save_file(context, f"receipt {file}", file, _text(receipt))


def file_differences(file: Path, receipt: Statement) -> list[str]:
    """Return what the receipt in the file says otherwise; nothing when there is no such file."""
    return differences(parse(file.read_bytes(), str(file)), receipt) if file.is_file() else []


def parse(content: str | bytes, place: str) -> Statement:
    """Read a receipt; raise Usage naming the place when it is none."""
    try:
        found = json.loads(content)
    except ValueError as error:
        raise Usage(f"{place} is no receipt: it is not JSON", "Name another file, or remove it.") from error
    if not isinstance(found, dict) or found.get("_type") != STATEMENT:
        raise Usage(f"{place} is no receipt: it is no in-toto Statement", "Name another file, or remove it.")
    return found


def differences(before: Statement, after: Statement) -> list[str]:
    """Say, a line each, what the later Statement has otherwise than the earlier one."""
    old, new = dict(_facts(before)), dict(_facts(after))
    changed = [name for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
    return [
        *(f"{name}: was {old[name]}, is gone" for name in sorted(old.keys() - new.keys())),
        *(f"{name}: was {old[name]}, is {new[name]}" for name in changed),
        *(f"{name}: is new, {new[name]}" for name in sorted(new.keys() - old.keys())),
    ]


def _text(receipt: Statement) -> str:
    """Return the Statement as the bytes of a file are: sorted, indented, one newline at the end."""
    return json.dumps(receipt, indent=2, sort_keys=True) + "\n"


def _upload(context: Context, release: GitHubRelease, name: str, receipt: Statement) -> None:
    if release.immutable:
        raise Failed(
            "this GitHub Release is immutable: nothing can be added to it",
            "Keep the receipt elsewhere (--receipt FILE); next time attach it to the draft.",
        )
    github(context).upload(release.upload_url, name, _text(receipt).encode(), MEDIA_TYPE)


def _asset_id(context: Context, release: GitHubRelease, name: str, receipt: Statement) -> int | None:
    for asset in github(context).pages(f"releases/{release.id}/assets"):
        if asset["name"] == name:
            content = github(context).content(f"releases/assets/{asset['id']}", accept=MEDIA_TYPE)
            changed = differences(parse(content, name), receipt)
            if changed:
                listed = "\n".join(changed)
                raise Conflict(f"{name} is attached and says otherwise:\n{listed}", f"Find out why: {release.url}")
            return int(asset["id"])
    return None


def _descriptor(name: str, digest: str) -> Mapping[str, Any]:
    algorithm, _, value = digest.partition(":")
    return {"name": name, "digest": {algorithm: value}}


def _facts(made: Statement) -> Iterator[tuple[str, str]]:
    """Take a Statement of any content apart, as far as it is one of ours."""
    predicate = made.get("predicate") or {}
    definition, details = predicate.get("buildDefinition") or {}, predicate.get("runDetails") or {}
    for item in made.get("subject") or []:
        yield str(item.get("name")), _digest(item)
    for item in definition.get("resolvedDependencies") or []:
        yield str(item.get("uri")), _digest(item)
    for item in details.get("byproducts") or []:
        yield f"run {item.get('name')}", str(item.get("uri"))
    for name, value in (definition.get("externalParameters") or {}).items():
        yield name, str(value)


def _digest(item: Mapping[str, Any]) -> str:
    return ", ".join(f"{kind}:{value}" for kind, value in sorted((item.get("digest") or {}).items()))
