"""A proved release as an in-toto Statement, and what two of them disagree on. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from release.errors import Usage

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:release-tasks:release:v1"
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


def text(made: Statement) -> str:
    """Return the Statement as the bytes of a file are: sorted, indented, one newline at the end."""
    return json.dumps(made, indent=2, sort_keys=True) + "\n"


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
    lines = [f"{name}: was {old[name]}, is gone" for name in sorted(old.keys() - new.keys())]
    lines += [
        f"{name}: was {old[name]}, is {new[name]}" for name in sorted(old) if name in new and old[name] != new[name]
    ]
    return lines + [f"{name}: is new, {new[name]}" for name in sorted(new.keys() - old.keys())]


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
