"""Debian's docker-registry, served and pushed to; for the tests of machines that have it."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
TESTER = ("tester", "open sesame")
HTPASSWD = "tester:$2b$04$gJpR8S1MPx.KNd9tift66elKQ4ii763emq8EEK379yIcy2X.mahBS\n"

installed = pytest.mark.skipif(not shutil.which("docker-registry"), reason="docker-registry is not installed")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def serving(folder: Path, auth: str = "") -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{inmemory: {{}}}}\nhttp: {{addr: '{address}'}}\n{auth}"
    )
    server = subprocess.Popen(
        ["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(500):
            assert server.poll() is None, "docker-registry ended"
            try:
                socket.create_connection(address.split(":"), timeout=1).close()
                break
            except OSError:
                time.sleep(0.01)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(10)


def push(url: str, repository: str, tag: str, kind: str = MANIFEST, note: str = "", auth: Any = None) -> str:
    """Push a manifest as a client does and return its digest."""
    session = requests.Session()
    session.auth, session.trust_env = auth, False
    config = b"{}"
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    started = session.post(f"{url}/v2/{repository}/blobs/uploads/")
    session.put(started.headers["Location"], params={"digest": digest}, data=config).raise_for_status()
    manifest: dict[str, Any] = {"schemaVersion": 2, "mediaType": kind, "annotations": {"note": note}}
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(config)}
    if kind == MANIFEST:
        manifest |= {"config": described, "layers": []}
    else:
        inner = push(url, repository, f"{tag}-inner", note=note, auth=auth)
        size = len(session.get(f"{url}/v2/{repository}/manifests/{inner}", headers={"Accept": MANIFEST}).content)
        platform = {"architecture": "amd64", "os": "linux"}
        manifest["manifests"] = [{"mediaType": MANIFEST, "digest": inner, "size": size, "platform": platform}]
    body = json.dumps(manifest).encode()
    put = session.put(f"{url}/v2/{repository}/manifests/{tag}", data=body, headers={"Content-Type": kind})
    put.raise_for_status()
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
