"""aws: what it puts into a bucket, and what it answers."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from release.sandbox.runner.actions import ACCOUNT, ecr_host
from release.sandbox.simulation.effects.deliveries import has_image, put_file
from release.sandbox.simulation.effects.options import Options, options
from release.sandbox.simulation.shell import Command, Result
from release.sandbox.simulation.unknown import is_known, unknown
from release.sandbox.simulation.work import Work

_PLAIN = {
    *("--recursive", "--delete", "--quiet", "--only-show-errors", "--no-progress", "--dryrun", "--no-cli-pager"),
    *("--no-paginate", "--no-sign-request", "--follow-symlinks", "--exact-timestamps", "--size-only", "--debug"),
    *("--no-follow-symlinks", "--human-readable", "--summarize", "--no-verify-ssl"),
}
_GONE = 254  # what aws exits with where the service says no


def aws(work: Work, command: Command) -> Result:
    """Do what the AWS command line would do to the sandbox's bucket, and answer what it would ask."""
    found = options(command.words[1:], lambda name: name not in _PLAIN)
    match list(found.rest):
        case ["s3", "cp" | "mv" | "sync" as verb, source, target]:
            result = _transfer(work, command, found, source, target, many=verb == "sync" or found.has("--recursive"))
        case ["s3", "ls", *urls]:
            result = _list(work, command, urls)
        case ["s3api", "put-object"]:
            url = f"s3://{found.value('--bucket')}/{found.value('--key')}"
            result = _transfer(work, command, found, found.value("--body"), url, many=False)
        case ["s3api", "head-object"]:
            result = _head(work, command, found.value("--bucket"), found.value("--key"))
        case ["ecr", "describe-images" | "batch-get-image"]:
            tag = found.value("--image-ids").removeprefix("imageTag=")
            there = has_image(work, f"{ecr_host({})}/{found.value('--repository-name')}:{tag}")
            result = Result(None if there is None else 0 if there else _GONE, unknown(command.label))
        case ["sts", "get-caller-identity"] if found.value("--query") == "Account":
            result = Result(0, ACCOUNT)
        case _:
            work.tell(command.line, " ".join(command.words[:5]), "listed")
            result = Result(None if "describe" in command.label else 0, unknown(command.label))
    return result


def _transfer(work: Work, command: Command, found: Options, source: str, target: str, many: bool) -> Result:
    if found.has("--dryrun") or not target.startswith("s3://"):
        work.tell(command.line, f"copy {source} to {target}", "listed")
        return Result(0)
    files = list(_sources(work, command, found, source, many))
    if not files and not command.state.opaque and not work.opaque and is_known(source):
        work.tell(command.line, f"copy {source} to {target}: there is no such file", "listed")
        return Result(1)
    if not files:
        files = [("", work.wheel().name, work.wheel().read_bytes())]
        work.tell(command.line, f"which files {source} is: taken as the wheel of the commit", "untold")
    for inner, name, content in files:
        put_file(work, command.line, _url(target, inner, name, many), content, command.certain)
    return Result(0)


def _url(target: str, inner: str, name: str, many: bool) -> str:
    if many:
        return f"{target.rstrip('/')}/{inner or name}"
    whole = target.removeprefix("s3://")
    is_folder = whole.endswith("/") or ("/" not in whole and is_known(whole))
    return f"{target.rstrip('/')}/{name}" if is_folder else target


def _sources(work: Work, command: Command, found: Options, source: str, many: bool) -> Iterator[tuple[str, str, bytes]]:
    """List what is copied: the path below the folder, the name, the content."""
    if source.startswith("s3://"):
        bucket, _, key = source.removeprefix("s3://").partition("/")
        cloud = work.means.cloud
        content = cloud.read(key) if is_known(source) and bucket == cloud.bucket else None
        if content is not None:
            yield "", PurePosixPath(key).name, content
        return
    files, folder = work.files, command.state.folder
    place = files.place(folder, source)
    if place is not None and place.is_dir() and many:
        for path in sorted(each for each in place.rglob("*") if each.is_file()):
            inner = path.relative_to(place).as_posix()
            if _included(found, inner):
                yield inner, path.name, path.read_bytes()
    elif place is not None and place.is_file():
        yield "", place.name, place.read_bytes()
    elif (text := files.read(folder, source)) is not None:
        yield "", Path(source).name, text.encode()


def _included(found: Options, name: str) -> bool:
    """Tell whether aws takes a file: the last filter that fits it says."""
    taken = True
    for option, pattern in found.pairs:
        if option in ("--include", "--exclude") and fnmatch.fnmatchcase(name, pattern):
            taken = option == "--include"
    return taken


def _list(work: Work, command: Command, urls: list[str]) -> Result:
    bucket, _, prefix = (urls[0] if urls else "").removeprefix("s3://").partition("/")
    if not is_known(bucket + prefix) or bucket != work.means.cloud.bucket:
        return Result(None, unknown(command.label))
    keys = work.means.cloud.keys(prefix)
    printed = "".join(f"2026-01-01 00:00:00 1 {PurePosixPath(key).name}\n" for key in keys)
    return Result(0 if keys else 1, printed)


def _head(work: Work, command: Command, bucket: str, key: str) -> Result:
    if not is_known(bucket + key) or bucket != work.means.cloud.bucket:
        return Result(None, unknown(command.label))
    there = key in work.means.cloud.keys(key)
    return Result(0 if there else _GONE, unknown(command.label))
