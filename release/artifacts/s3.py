"""What is under the release prefix in S3: one version's wheel, and all that has to stay as it is."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from release.artifacts.aws import CONFIG, PreconditionError, error_code, translated_errors, unless_missing
from release.artifacts.wheel import python_version, read_wheel, wheel_filename_matches
from release.call.context import Context
from release.errors import Conflict, Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from typing import Any

    import semver

    from release.artifacts.wheel import Wheel
    from release.call.context import Context

OBJECT_LIMIT = 512 * 1024 * 1024  # bytes of a wheel read into memory
CREATE_ONLY = "s3:if-none-match"  # the condition key with which a bucket's policy asks for If-None-Match


@dataclass(frozen=True)
class S3Object:
    """One key as it stands: `sha256` in hex when the object stores one, `modified` in UTC."""

    key: str
    size: int
    etag: str
    modified: datetime
    sha256: str = ""


class Bucket:
    """One S3 bucket."""

    def __init__(self, name: str) -> None:
        with translated_errors("s3", name):
            self._client = boto3.client("s3", config=CONFIG)
        self.name = name

    def object(self, key: str) -> S3Object | None:
        """Return the key's object, or None on 404 alone (F20)."""
        head = unless_missing(
            lambda: self._client.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED"), self.name
        )
        if head is None:
            return None
        return S3Object(key, head["ContentLength"], head["ETag"].strip('"'), head["LastModified"], _hex(head))

    def objects(self, prefix: str) -> Iterator[S3Object]:
        """Yield every object below the prefix, all pages."""
        with translated_errors("s3", self.name):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
                for entry in page.get("Contents", []):
                    yield S3Object(entry["Key"], entry["Size"], entry["ETag"].strip('"'), entry["LastModified"])

    def content(self, key: str) -> bytes | None:
        """Return the object's bytes, or None on 404 alone; raise Failed above the limit of 512 MiB."""
        got = unless_missing(lambda: self._client.get_object(Bucket=self.name, Key=key), self.name)
        if got is None:
            return None
        if got["ContentLength"] > OBJECT_LIMIT:
            raise Failed(f"s3://{self.name}/{key} is larger than {OBJECT_LIMIT >> 20} MiB")
        with translated_errors("s3", self.name):
            return got["Body"].read()

    def create_object(self, key: str, content: bytes) -> None:
        """Write the key if it does not exist (`If-None-Match: *`, F20), with its SHA-256 stored beside it.

        Raises Conflict when it exists, whatever is in it.
        """
        checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
        try:
            with translated_errors("s3", self.name, lost=True):
                self._client.put_object(
                    Bucket=self.name,
                    Key=key,
                    Body=content,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=checksum,
                )
        except PreconditionError as error:
            raise Conflict(f"s3://{self.name}/{key} exists already", "A released file is never overwritten.") from error

    def protections(self) -> dict[str, bool]:
        """Return which of versioning, object lock and a create-only policy the bucket has; not what cannot be read."""
        asked: dict[str, Callable[[], bool]] = {
            "versioning": lambda: self._client.get_bucket_versioning(Bucket=self.name).get("Status") == "Enabled",
            "object lock": lambda: bool(self._client.get_object_lock_configuration(Bucket=self.name)),
            "create-only policy": lambda: CREATE_ONLY in self._client.get_bucket_policy(Bucket=self.name)["Policy"],
        }
        found = {}
        for name, answer in asked.items():
            try:
                found[name] = answer()
            except ClientError as error:
                if "NotFound" in error_code(error) or error_code(error) == "NoSuchBucketPolicy":
                    found[name] = False
        return found


def _hex(head: Any) -> str:
    """Return the SHA-256 stored with an object: one with a part count behind it is not of the whole object."""
    stored = str(head.get("ChecksumSHA256", ""))
    return "" if "-" in stored or head.get("ChecksumType") == "COMPOSITE" else base64.b64decode(stored).hex()


SHOWN = 10


def s3_address(context: Context, key: str = "") -> str:
    """Return the key's address, or the release prefix's."""
    sdk = context.settings.sdk
    return f"s3://{sdk.bucket}/{key or sdk.prefix}"


def wheel_key(context: Context, version: semver.Version) -> str:
    """Return the wheel's key: the one below the prefix whose name is of package and version, else the usual name."""
    sdk = context.settings.sdk
    start = f"{sdk.prefix}{sdk.package.replace('-', '_')}-{python_version(version)}-"
    found = [
        each.key
        for each in bucket(context).objects(start)
        if wheel_filename_matches(each.key.rpartition("/")[2], sdk.package, version)
    ]
    if len(found) > 1:
        raise Conflict(
            f"{len(found)} wheels of {version} are out: {', '.join(found)}",
            "There must be one; find out who put the other there.",
        )
    return found[0] if found else f"{start}py3-none-any.whl"


def released_wheel(context: Context, version: semver.Version) -> tuple[Wheel | None, str]:
    """Return the wheel under the release prefix, and its key; raise Conflict when it is not what it has to be.

    Its bytes are hashed and compared with the SHA-256 that S3 stored when it was made, where it did.
    """
    key = wheel_key(context, version)
    content = bucket(context).content(key)
    if content is None:
        return None, key
    try:
        return stored_wheel(context, key, content, version), key
    except Failed as error:
        raise Conflict(
            f"{s3_address(context, key)}: {error.problem}",
            "A released file is never overwritten; take the next version.",
        ) from error


def stored_wheel(context: Context, key: str, content: bytes, version: semver.Version) -> Wheel:
    """Return the wheel in the key's bytes; raise Failed unless it is the version's, and as S3 stored it."""
    found = read_wheel(content, key.rpartition("/")[2])
    check_wheel(context, found, version)
    stored = bucket(context).object(key)
    if stored and stored.sha256 not in ("", found.sha256):
        raise Failed(f"its bytes are sha256:{found.sha256[:12]}, S3 stored sha256:{stored.sha256[:12]}")
    return found


def check_wheel(context: Context, found: Wheel, wanted: semver.Version | None) -> None:
    """Raise Failed unless the wheel is of the settings' package, has their command, and is of the version, if given."""
    sdk = context.settings.sdk
    if wanted and not wheel_filename_matches(found.filename, sdk.package, wanted):
        raise Failed(
            f"the wheel is {found.name} {found.version}, not {sdk.package} {python_version(wanted)}",
            "Build it at its tag, with the tag fetched.",
        )
    if sdk.command and sdk.command not in found.entry_points:
        raise Failed(f"the wheel {found.filename} has no command {sdk.command}", "Set sdk.command in invoke.yaml.")


def object_fingerprints(context: Context) -> dict[str, str]:
    """Return a print of every object under the release prefix, by key, all pages: its ETag and when it was made."""
    listed = bucket(context).objects(context.settings.sdk.prefix)
    return {each.key: f"{each.etag} of {each.modified:%Y-%m-%d %H:%M:%S} UTC" for each in listed}


def check_unchanged(before: Mapping[str, str], after: Mapping[str, str], where: str) -> None:
    """Raise Conflict, naming them, when something that was there before is another or gone; what is new may be."""
    changed = [
        f"{name}: was {old}, is {after.get(name, 'gone')}" for name, old in before.items() if after.get(name) != old
    ]
    if changed:
        shown = "\n".join(changed[:SHOWN] + (["…"] if len(changed) > SHOWN else []))
        raise Conflict(
            f"{len(changed)} of {len(before)} in {where} changed meanwhile:\n{shown}",
            "What is released is never overwritten: find out who did that before anything else is released.",
        )


def bucket(context: Context) -> Bucket:
    """Return the bucket that wheels are released to, opened once a call."""
    return context.once(bucket, lambda: Bucket(context.settings.sdk.bucket))
