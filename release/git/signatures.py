"""The signature of a tag, checked by Git itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from release.errors import Failed
from release.git.refs import RemoteRef
from release.git.repository import Repository

ALLOWED = "gpg.ssh.allowedSignersFile"
MARKS = {"-----BEGIN SSH SIGNATURE": "SSH", "-----BEGIN PGP ": "GPG", "-----BEGIN SIGNED MESSAGE": "X.509"}


@dataclass(frozen=True)
class Signature:
    """What there is to say of a tag's signature; `good` is None where nothing here can tell."""

    kind: str
    good: bool | None
    says: str


def signature(repo: Repository, tag: RemoteRef) -> Signature | None:
    """Return the signature of an annotated tag, fetched, or None when it has none.

    An SSH signature is checked against `gpg.ssh.allowedSignersFile` when there is one, others by the key ring.
    """
    if tag.target == tag.sha:
        return None
    repo.fetch(tag.name)
    content = repo.git("cat-file", "tag", tag.target)
    kind = next((kind for mark, kind in MARKS.items() if f"\n{mark}" in content), "")
    if not kind:
        return None
    if kind == "SSH" and not _allowed_signers(repo):
        return Signature(kind, None, f"not checked: {ALLOWED} is not set")
    try:
        repo.git("verify-tag", tag.target)
    except Failed as error:
        unknown = kind == "GPG" and "No public key" in error.problem
        return Signature(kind, None if unknown else False, error.problem)
    tagger = re.search(r"^tagger (.*) [0-9]+ [+-][0-9]{4}$", content, re.MULTILINE)
    return Signature(kind, True, f"good; tagged by {tagger[1]}" if tagger else "good")


def _allowed_signers(repo: Repository) -> bool:
    try:
        path = repo.git("config", "--type=path", "--get", ALLOWED)
    except Failed:
        return False
    return Path(path).is_file()
