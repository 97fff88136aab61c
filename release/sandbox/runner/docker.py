"""A stand-in for docker, a program of its own: an image is its folder's files, and is pushed to the sandbox alone."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import urllib.error
import urllib.request
from itertools import pairwise
from pathlib import Path

OCI = "application/vnd.oci.image"
HERE = Path(os.environ.get("RUNNER_TEMP", ".")) / "docker-images.json"
WITH_VALUE = ("-f", "--file", "-t", "--tag", "--build-arg", "--platform", "--label", "--target", "--cache-from")


def main(words: list[str]) -> None:
    """Do what these words ask of docker; what is not known here ends it with exit 1, by name."""
    images = json.loads(HERE.read_text(encoding="utf-8")) if HERE.exists() else {}
    match words[1:] if words[:1] == ["buildx"] else words:
        case ["build", *rest]:
            flags, folder = _flags(rest)
            manifest = _manifest(Path(folder), [value for name, value in flags if name == "--build-arg"])
            images |= {value: manifest for name, value in flags if name in ("-t", "--tag")}
            for name in images if "--push" in rest else ():
                _push(name, images[name])
        case ["tag", source, target] if source in images:
            images[target] = images[source]
        case ["push", *_, name] if name in images:
            _push(name, images[name])
        case ["manifest", "inspect", name]:
            sys.exit(int(_ask("HEAD", name) != 200))
        case ["login" | "logout", *_]:
            pass
        case _:
            sys.exit(f"the sandbox's docker does not know: docker {' '.join(words)}")
    HERE.write_text(json.dumps(images), encoding="utf-8")


def _flags(words: list[str]) -> tuple[list[tuple[str, str]], str]:
    split = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    flags = [(name, value) for name, value in pairwise(split) if name in WITH_VALUE]
    return flags, split[-1]


def _manifest(folder: Path, arguments: list[str]) -> str:
    if not folder.is_dir():
        sys.exit(f"ERROR: path {str(folder)!r} not found")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    layer = b"".join(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() for path in files)
    parts = {"layer.v1.tar": layer, "config.v1+json": json.dumps(sorted(arguments)).encode()}
    described = [
        {"mediaType": f"{OCI}.{kind}", "digest": f"sha256:{hashlib.sha256(part).hexdigest()}", "size": len(part)}
        for kind, part in parts.items()
    ]
    kind = f"{OCI}.manifest.v1+json"
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "config": described[1], "layers": described[:1]})


def _push(name: str, manifest: str) -> None:
    status = _ask("PUT", name, manifest.encode())
    if status != 201:
        sys.exit(f"{name}: the sandbox's registry answers {status}: has it such a repository?")


def _ask(method: str, name: str, content: bytes | None = None) -> int:
    """Ask the sandbox's registry, whichever one the name is of."""
    host, slash, path = name.partition("/")
    path, _, tag = (path if slash and ("." in host or ":" in host) else name).rpartition(":")
    url = f"{os.environ['SANDBOX_REGISTRY']}/v2/{path}/manifests/{tag}"
    headers = {"Content-Type": f"{OCI}.manifest.v1+json"}
    request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # nosec B310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


if __name__ == "__main__":
    main(sys.argv[1:])
