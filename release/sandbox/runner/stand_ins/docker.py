"""A stand-in for docker and podman, a program of its own: an image is what it is built from, for this sandbox alone."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

OCI = "application/vnd.oci.image"
HERE = Path(os.environ.get("RUNNER_TEMP", ".")) / "docker-images.json"
SHORT = {"-f": "--file", "-t": "--tag", "-o": "--output", "-m": "--memory", "-q": "--quiet"}
WITH_VALUE = (
    *("--file", "--tag", "--build-arg", "--platform", "--label", "--target", "--cache-from", "--cache-to", "--secret"),
    *("--ssh", "--network", "--progress", "--output", "--iidfile", "--metadata-file", "--builder", "--add-host"),
    *("--build-context", "--shm-size", "--ulimit", "--memory", "--annotation", "--attest", "--allow", "--format"),
    *("--filter", "--username", "-u", "--password", "-p", "--name", "--driver", "--driver-opt", "--config", "--raw"),
)
QUIET = (
    *("logout", "version", "info", "--version", "-v", "buildx create", "buildx use", "buildx ls", "buildx version"),
    *("buildx inspect", "buildx rm", "system prune", "image prune", "builder prune", "buildx prune", "context"),
)
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
Flags = list[tuple[str, str]]
Images = dict[str, str]  # a manifest by the image's name


def main(words: list[str]) -> None:
    """Do what these words ask of docker; what is not known here ends it with exit 1, by name."""
    images: Images = json.loads(HERE.read_text(encoding="utf-8")) if HERE.exists() else {}
    flags, plain = _flags(words[1:] if words[:1] == ["image"] and words[1:2] != ["prune"] else words)
    if not (_change(images, flags, plain) or _answer(images, flags, plain) or _is_quiet(words)):
        sys.exit(f"the sandbox's docker does not know: docker {' '.join(words)}")
    HERE.write_text(json.dumps(images), encoding="utf-8")


def _is_quiet(words: list[str]) -> bool:
    return any(f"{' '.join(words)} ".startswith(f"{each} ") for each in QUIET)


def _change(images: Images, flags: Flags, plain: list[str]) -> bool:
    """Do what changes images, here or in the registry; false for anything else."""
    match plain:
        case ["build", folder] | ["buildx", "build" | "b", folder]:
            _build(images, flags, folder)
        case ["tag", source, target] if _name(source) in images:
            images[_name(target)] = images[_name(source)]
        case ["push", name] if _name(name) in images:
            _push(_name(name), images[_name(name)])
        case ["pull", name]:
            images[_name(name)] = _pulled(_name(name))
        case ["rmi" | "rm", *names] if all(_name(each) in images for each in names):
            for each in names:
                images.pop(_name(each), None)
        case _:
            return False
    return True


def _answer(images: Images, flags: Flags, plain: list[str]) -> bool:
    """Answer a question; false for anything else."""
    match plain:
        case ["images" | "ls"]:
            sys.stdout.write("".join(f"{name}\n" for name in images))
        case ["inspect", name] if _name(name) in images:
            _inspect(_name(name), images[_name(name)], dict(flags).get("--format", ""))
        case ["manifest", "inspect", name] | ["buildx", "imagetools", "inspect", name]:
            sys.stdout.write(_pulled(_name(name)) + "\n")
        case ["login", *_]:
            if ("--password-stdin", "") in flags:
                sys.stdin.read()
            sys.stdout.write("Login Succeeded\n")
        case _:
            return False
    return True


def _flags(words: list[str]) -> tuple[Flags, list[str]]:
    flags, plain, left = [], [], list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("-") or word == "-":
            plain.append(word)
            continue
        name, equals, value = word.partition("=")
        name = SHORT.get(name, name)
        flags.append((name, left.pop(0) if name in WITH_VALUE and not equals and left else value))
    return flags, plain


def _name(name: str) -> str:
    """Complete an image's name: without a tag it is the latest."""
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"


def _build(images: Images, flags: Flags, folder: str) -> None:
    manifest = _manifest(Path(folder), flags)
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    names = [_name(value) for name, value in flags if name == "--tag"]
    images |= dict.fromkeys(names, manifest)
    output = dict(flags).get("--output", "")
    pushes = ("--push", "") in flags or ("type=registry" in output or "push=true" in output)
    for name in names if pushes else ():
        _push(name, manifest)
    told = {"--iidfile": digest, "--metadata-file": json.dumps({"containerimage.digest": digest})}
    for name, text in told.items():
        if place := dict(flags).get(name):
            Path(place).write_text(text, encoding="utf-8")
    sys.stdout.write(f"writing image {digest}\n" + "".join(f"naming to {each}\n" for each in names))


def _manifest(folder: Path, flags: Flags) -> str:
    """Make an image of the files, and of the base, the labels and the arguments that its file names."""
    file = Path(dict(flags).get("--file") or folder / "Dockerfile")
    for each, is_there in ((folder, folder.is_dir()), (file, file.is_file())):
        if not is_there:
            sys.exit(f"ERROR: path {str(each)!r} not found")
    arguments = sorted(value for name, value in flags if name == "--build-arg")
    lines = _lines(file.read_text(encoding="utf-8"), dict(each.partition("=")[::2] for each in arguments))
    labels = [line.partition(" ")[2] for line in lines if line.upper().startswith("LABEL ")]
    config = {
        "arguments": arguments,
        "base": [line.split()[-1] for line in lines if line.upper().startswith("FROM ")],
        "labels": sorted([*labels, *(value for name, value in flags if name == "--label")]),
        "target": dict(flags).get("--target", ""),
    }
    files = sorted(path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    layer = b"".join(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() for path in files)
    parts = {"layer.v1.tar": layer, "config.v1+json": json.dumps(config).encode()}
    described = [
        {"mediaType": f"{OCI}.{kind}", "digest": f"sha256:{hashlib.sha256(part).hexdigest()}", "size": len(part)}
        for kind, part in parts.items()
    ]
    kind = f"{OCI}.manifest.v1+json"
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "config": described[1], "layers": described[:1]})


def _lines(text: str, arguments: dict[str, str]) -> list[str]:
    """Read a Dockerfile's instructions, with the build's arguments, or their defaults, filled in."""
    joined = re.sub(r"\\\n", " ", text)
    lines = [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    declared = [line.split(None, 1)[1] for line in lines if line.upper().startswith("ARG ")]
    known = dict(each.partition("=")[::2] for each in declared) | arguments
    return [_VARIABLE.sub(lambda found: known.get(found[1], found[0]), line) for line in lines]


def _inspect(name: str, manifest: str, form: str) -> None:
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    found = {"Id": digest, "RepoTags": [name], "RepoDigests": [f"{name.rpartition(':')[0]}@{digest}"]}
    answers = {"": json.dumps([found]), "{{.Id}}": digest, "{{index .RepoDigests 0}}": found["RepoDigests"][0]}
    if form not in answers:
        sys.exit(f"the sandbox's docker does not know the format {form}")
    sys.stdout.write(f"{answers[form]}\n")


def _push(name: str, manifest: str) -> None:
    status, _ = _ask("PUT", name, manifest.encode())
    if status != 201:
        sys.exit(f"{name}: the sandbox's registry answers {status}: has it such a repository?")
    sys.stdout.write(f"{name}: pushed sha256:{hashlib.sha256(manifest.encode()).hexdigest()}\n")


def _pulled(name: str) -> str:
    status, content = _ask("GET", name)
    if status != 200:
        sys.exit(f"{name} is not in the sandbox's registry, and no other one is asked")
    return content.decode()


def _ask(method: str, name: str, content: bytes | None = None) -> tuple[int, bytes]:
    """Ask the sandbox's registry, whichever one the name is of."""
    host, slash, path = name.partition("/")
    path, _, tag = (path if slash and ("." in host or ":" in host) else name).rpartition(":")
    url = f"{os.environ['SANDBOX_REGISTRY']}/v2/{path}/manifests/{tag}"
    headers = {"Content-Type": f"{OCI}.manifest.v1+json"}
    request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # nosec B310
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


if __name__ == "__main__":
    main(sys.argv[2:])
