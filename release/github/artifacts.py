"""What a run kept of what it built, read in memory."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from itertools import islice
from typing import Any

from release.errors import Failed, ReleaseError
from release.github.api import GitHub

MOST = 10  # artifacts of one run that are looked into
LARGEST = 60 * 2**20  # bytes of an archive: an answer of GitHub may have little more
LARGEST_FILE = 256 * 2**20  # bytes, unpacked


def artifact_sha256(api: GitHub, run_id: int, filename: str) -> str:
    """Return the SHA-256 of the file of that name in the run's artifacts.

    Raises Failed, saying why, when it cannot be read: kept no longer, too large, not for this token, not there.
    """
    reasons = []
    for artifact in islice(api.pages(f"actions/runs/{run_id}/artifacts", key="artifacts"), MOST):
        try:
            found = _sha256(_archive(api, artifact), filename)
        except (ReleaseError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            reasons.append(f"{artifact['name']}: {getattr(error, 'problem', error)}")
        else:
            if found:
                return found
    raise Failed("; ".join(reasons) or f"run {run_id} kept no {filename}")


def _archive(api: GitHub, artifact: Any) -> bytes:
    """Return the archive, checked against the digest that GitHub has of it; the token stays with GitHub (S2)."""
    if artifact["expired"]:
        raise Failed("it is kept no longer")
    if artifact["size_in_bytes"] > LARGEST:
        raise Failed(f"it is larger than {LARGEST >> 20} MiB")
    content = api.content(f"actions/artifacts/{artifact['id']}/zip")
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if artifact.get("digest") not in (None, digest):
        raise Failed(f"its bytes are {digest[:19]}, GitHub says {artifact['digest'][:19]}")
    return content


def _sha256(archive: bytes, filename: str) -> str:
    """Return the hash of the one file of that name, in whatever folder of the archive, or nothing."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        entries = [each for each in opened.infolist() if each.filename.rpartition("/")[2] == filename]
        if not entries:
            return ""
        if len(entries) > 1 or entries[0].file_size > LARGEST_FILE:
            raise Failed(f"{filename} is in it twice, or too large")
        with opened.open(entries[0]) as stream:
            digest = hashlib.sha256()
            while chunk := stream.read(2**16):  # zipfile stops at the size that the entry has
                digest.update(chunk)
        return digest.hexdigest()
