"""A stand-in for AWS's command line, a program of its own: its files, images and account are the sandbox's."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import jmespath  # type: ignore[import-untyped]
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

WITHOUT_VALUE = (
    *("--recursive", "--quiet", "--no-progress", "--only-show-errors", "--dryrun", "--delete", "--human-readable"),
    *("--summarize", "--no-sign-request", "--debug", "--no-cli-pager", "--follow-symlinks", "--no-follow-symlinks"),
    *("--size-only", "--exact-timestamps", "--force", "--no-verify-ssl", "--version", "--no-paginate"),
)
OF_ALL = ("--region", "--profile", "--output", "--query", "--endpoint-url", "--color", "--cli-read-timeout")
SERVICES = {"s3api": "s3", "ecr": "ecr", "sts": "sts"}
Flags = list[tuple[str, str]]


def main(words: list[str]) -> None:
    """Do what these words ask of aws; what is not known here ends it with exit 252, by name."""
    flags, plain = _flags(words)
    match plain:
        case _ if ("--version", "") in flags:
            sys.stdout.write("aws-cli/2.0.0 (the stand-in of the sandbox)\n")
        case ["s3", "cp" | "mv" | "sync" as verb, source, target]:
            _copy(verb, flags, source, target)
        case ["s3", "ls", *place]:
            _list(place[0] if place else "", flags)
        case ["s3", "rm", place]:
            for name in [name for name, _ in _chosen(_objects(place, flags), flags)]:
                _remove(place, name)
        case ["ecr", "get-login-password"]:
            sys.stdout.write("sandbox\n")
        case ["configure", "set", *_]:
            pass
        case [service, operation, *rest] if service in SERVICES:
            _call(SERVICES[service], operation, flags, rest)
        case _:
            sys.stderr.write(f"the sandbox's aws does not know: aws {' '.join(words)}\n")
            sys.exit(252)


def _flags(words: list[str]) -> tuple[Flags, list[str]]:
    flags, plain, left = [], [], list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            plain.append(word)
        elif "=" in word:
            name, _, value = word.partition("=")
            flags.append((name, value))
        elif word in WITHOUT_VALUE or word.startswith("--no-"):
            flags.append((word, ""))
        else:
            flags.append((word, left.pop(0) if left else ""))
    return flags, plain


def _client(service: str) -> Any:
    """Make a client of the sandbox's cloud, whatever endpoint and credentials a step names."""
    endpoint = os.environ.get("SANDBOX_REGISTRY")
    if not endpoint:
        sys.exit("the sandbox has no cloud here, and never asks the real one")
    key = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox", "aws_session_token": None}  # nosec B105
    region = os.environ.get("AWS_REGION") or "us-east-1"
    return boto3.client(service, endpoint_url=endpoint, region_name=region, **key)  # type: ignore[call-overload]


def _place(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def _is_remote(address: str) -> bool:
    return address.startswith("s3://")


def _objects(address: str, flags: Flags) -> Iterator[tuple[str, str]]:
    """List what an address of S3 or of the disk names: each name below it, nothing for itself, and its own address."""
    recursive = ("--recursive", "") in flags
    if not _is_remote(address):
        root = Path(address)
        if not recursive:
            yield "", address
        for path in sorted(root.rglob("*")) if recursive else ():
            if path.is_file():
                yield path.relative_to(root).as_posix(), str(path)
        return
    bucket, prefix = _place(address)
    if not recursive:
        yield "", address
        return
    prefix = f"{prefix.rstrip('/')}/" if prefix else ""
    for page in _client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", ()):
            yield found["Key"].removeprefix(prefix), f"s3://{bucket}/{found['Key']}"


def _chosen(found: Iterator[tuple[str, str]], flags: Flags) -> list[tuple[str, str]]:
    """Keep what the filters leave: the last that fits a name decides."""
    filters = [(name, pattern) for name, pattern in flags if name in ("--include", "--exclude")]

    def is_in(name: str) -> bool:
        """Tell whether a name is left."""
        said = [kind for kind, pattern in filters if fnmatch.fnmatchcase(name, pattern)]
        return not said or said[-1] == "--include"

    return [each for each in found if is_in(each[0] or each[1].rpartition("/")[2])]


def _copy(verb: str, flags: Flags, source: str, target: str) -> None:
    if verb == "sync":
        flags = [*flags, ("--recursive", "")]
    chosen = _chosen(_objects(source, flags), flags)
    for name, address in chosen:
        end = f"{target.rstrip('/')}/{name}" if name else _whole(address, target)
        if ("--dryrun", "") not in flags:
            _copy_one(address, end)
            if verb == "mv":
                _remove(address, "")
        shown = "upload" if not _is_remote(address) else "copy" if _is_remote(end) else "download"
        sys.stdout.write(f"{shown}: {address} to {end}\n")
    if verb == "sync" and ("--delete", "") in flags:
        names = {name for name, _ in chosen}
        for name, _ in [each for each in _chosen(_objects(target, flags), flags) if each[0] not in names]:
            _remove(target, name)


def _whole(source: str, target: str) -> str:
    is_folder = target.endswith("/") or (target if _is_remote(target) else "").count("/") == 2 or Path(target).is_dir()
    return f"{target.rstrip('/')}/{source.rpartition('/')[2]}" if is_folder else target


def _copy_one(source: str, target: str) -> None:
    if _is_remote(source):
        bucket, key = _place(source)
        content = _client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    else:
        content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    if _is_remote(target):
        bucket, key = _place(target)
        _client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    elif target == "-":
        os.write(1, content)
    else:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).write_bytes(content)


def _remove(address: str, name: str) -> None:
    whole = f"{address.rstrip('/')}/{name}" if name else address
    if _is_remote(whole):
        bucket, key = _place(whole)
        _client("s3").delete_object(Bucket=bucket, Key=key)
    else:
        Path(whole).unlink()
    sys.stdout.write(f"delete: {whole}\n")


def _list(address: str, flags: Flags) -> None:
    if not address:
        for each in _client("s3").list_buckets()["Buckets"]:
            sys.stdout.write(f"{each['CreationDate']:%Y-%m-%d %H:%M:%S} {each['Name']}\n")
        return
    bucket, prefix = _place(address)
    level = {} if ("--recursive", "") in flags else {"Delimiter": "/"}
    is_any = False
    for page in _client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **level):
        for folder in page.get("CommonPrefixes", ()):
            is_any = True
            sys.stdout.write(f"{'PRE':>30} {folder['Prefix'].removeprefix(prefix)}\n")
        for each in page.get("Contents", ()):
            is_any = True
            name = each["Key"] if not level else each["Key"].rpartition("/")[2]
            sys.stdout.write(f"{each['LastModified']:%Y-%m-%d %H:%M:%S} {each['Size']:>10} {name}\n")
    if not is_any and prefix:
        sys.exit(1)


def _call(service: str, operation: str, flags: Flags, rest: Sequence[str]) -> None:
    """Call an operation by its name, with what its own description says of the parameters."""
    client = _client(service)
    named = client.meta.method_to_api_mapping.get(operation.replace("-", "_"))
    if named is None:
        sys.stderr.write(f"the sandbox's aws does not know: aws {service} {operation}\n")
        sys.exit(252)
    shape = client.meta.service_model.operation_model(named).input_shape
    members = {xform_name(name, "-"): (name, each) for name, each in (shape.members if shape else {}).items()}
    own = [(name[2:], value) for name, value in flags if name not in OF_ALL]
    if unknown := [name for name, _ in own if name not in members and not name.startswith("no-")]:
        sys.exit(f"the sandbox's aws does not know --{unknown[0]} of {service} {operation}")
    given = {members[name][0]: _value(members[name][1], value) for name, value in own if name in members}
    answer = getattr(client, operation.replace("-", "_"))(**given)
    if rest and "Body" in answer:
        Path(rest[0]).write_bytes(answer.pop("Body").read())
    _show({name: value for name, value in answer.items() if name != "ResponseMetadata"}, dict(flags))


def _value(shape: Any, text: str) -> Any:
    if shape.type_name == "blob":
        return Path(text.removeprefix("fileb://").removeprefix("file://")).read_bytes()
    if shape.type_name in ("list", "structure", "map"):
        if text[:1] in ("[", "{"):
            return json.loads(text)
        each = dict(part.split("=", 1) for part in re.split("[, ]", text)) if "=" in text else text
        return [each] if shape.type_name == "list" else each
    if shape.type_name == "boolean":
        return text != "false"
    return int(text) if shape.type_name in ("integer", "long") else text


def _show(answer: Any, flags: dict[str, str]) -> None:
    if query := flags.get("--query"):
        answer = jmespath.search(query, answer)
    if flags.get("--output") == "text":
        values = answer if isinstance(answer, list) else [answer]
        sys.stdout.write("\t".join("None" if each is None else str(each) for each in values) + "\n")
    elif answer not in ({}, None):
        sys.stdout.write(json.dumps(answer, indent=4, default=str) + "\n")


if __name__ == "__main__":
    try:
        main(sys.argv[2:])
    except (ClientError, BotoCoreError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(254)
