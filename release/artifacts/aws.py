"""The AWS services that a release is in, S3 and ECR, and their errors as an operator can act on them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import boto3
import botocore.config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from release import artifacts
from release.call.parallel import side_by_side
from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage, Waiting

T = TypeVar("T")
CONFIG = botocore.config.Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 4})
SIGN_IN = "Sign in to AWS (aws sso login), or set AWS_PROFILE and AWS_REGION."
OIDC = "Give the job `permissions: id-token: write` and a step with aws-actions/configure-aws-credentials."
LOOKS = "Run the same again: it looks first."
SIGNED_OUT = (
    NoCredentialsError, PartialCredentialsError, NoRegionError, CredentialRetrievalError, TokenRetrievalError, SSOError,
)  # fmt: skip
EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
THROTTLED = ("SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded")
MISSING = ("404", "NoSuchKey", "NotFound", "ImageNotFoundException")
# What an answer has in any case; one without it is not AWS's, such as a proxy's page with 200.
ALWAYS = {
    "HeadObject": "ETag", "GetObject": "ETag", "PutObject": "ETag", "ListObjectsV2": "Name",
    "DescribeImages": "imageDetails", "ListImages": "imageIds", "DescribeRepositories": "repositories",
}  # fmt: skip
AT_ONCE = 100  # images of one request, ECR's own limit
# What an object has beside its bytes, as a request and an answer call it.
HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Metadata")
NO_HEADERS: Mapping[str, Any] = {}
CREATE_ONLY = "s3:if-none-match"  # the condition key with which a bucket's policy asks for If-None-Match


@dataclass(frozen=True)
class S3Object:
    """One key as it stands: `sha256` in hex when the object stores one, `modified` in UTC; `headers` belong to it."""

    key: str
    etag: str
    modified: datetime
    sha256: str = ""
    headers: Mapping[str, Any] = field(default_factory=dict, compare=False)


class ForeignAnswerError(BotoCoreError):
    """Somebody else answered in the place of the service."""

    fmt = "{url} answered {kind} that is not the service's: a proxy's, or a page to sign in?"


class Bucket:
    """One S3 bucket."""

    def __init__(self, name: str) -> None:
        with _translated_errors("s3", name):
            self._client = boto3.client("s3", region_name=_region(), config=CONFIG)
        self._client.meta.events.register("after-call", _check_answer)
        self.name = name

    def object(self, key: str) -> S3Object | None:
        """Return the key's object, or None on 404 alone (F20)."""
        head = _found_or_none(self.name, self._client.head_object, Bucket=self.name, Key=key, ChecksumMode="ENABLED")
        return head and _stored_object(key, head)

    def objects(self, prefix: str) -> Iterator[S3Object]:
        """Yield every object below the prefix, all pages."""
        with _translated_errors("s3", self.name):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
                for entry in page.get("Contents", []):
                    yield S3Object(entry["Key"], entry["ETag"].strip('"'), entry["LastModified"])

    def read(self, key: str) -> tuple[S3Object, bytes] | None:
        """Return the object and its bytes, or None on 404 alone; raise Failed for more bytes than a wheel may have."""
        got = _found_or_none(self.name, self._client.get_object, Bucket=self.name, Key=key, ChecksumMode="ENABLED")
        if got is None:
            return None
        if got["ContentLength"] > artifacts.wheel.MAX_WHEEL:
            raise Failed(f"s3://{self.name}/{key} is larger than {artifacts.wheel.MAX_WHEEL >> 20} MiB")
        with _translated_errors("s3", self.name):
            return _stored_object(key, got), got["Body"].read()

    def create_object(self, key: str, content: bytes, headers: Mapping[str, Any] = NO_HEADERS) -> None:
        """Write the key and its SHA-256; raise Conflict when it exists, whatever is in it (`If-None-Match: *`, F20)."""
        sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
        checksum: dict[str, Any] = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": sha256}
        with _translated_errors("s3", f"s3://{self.name}/{key}", lost=True):
            self._client.put_object(Bucket=self.name, Key=key, Body=content, IfNoneMatch="*", **checksum, **headers)

    def delete_object(self, key: str, etag: str) -> None:
        """Remove the key; raise Conflict where its object is not the one of that ETag any more (`If-Match`)."""
        there = self.object(key)
        if there and there.etag != etag:  # not every S3 knows the condition
            raise Conflict(f"s3://{self.name}/{key} changed meanwhile", LOOKS)
        with _translated_errors("s3", f"s3://{self.name}/{key}", lost=True):
            self._client.delete_object(Bucket=self.name, Key=key, IfMatch=f'"{etag}"')

    def protections(self) -> dict[str, bool]:
        """Return which of versioning, object lock and a create-only policy the bucket has; not what cannot be read."""
        asked: dict[str, Callable[[], bool]] = {
            "versioning": lambda: self._client.get_bucket_versioning(Bucket=self.name).get("Status") == "Enabled",
            "object lock": lambda: bool(self._client.get_object_lock_configuration(Bucket=self.name)),
            "create-only policy": lambda: CREATE_ONLY in self._client.get_bucket_policy(Bucket=self.name)["Policy"],
        }
        found = {}
        with _translated_errors("s3", self.name):
            for name, answer in asked.items():
                try:
                    found[name] = answer()
                except ClientError as error:
                    if "NotFound" in _error_code(error) or _error_code(error) == "NoSuchBucketPolicy":
                        found[name] = False
        return found

    def keep_versions(self) -> None:
        """Have the bucket keep what is overwritten."""
        with _translated_errors("s3", self.name, lost=True):
            self._client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def policy(self) -> dict[str, Any]:
        """Return the bucket's policy, its statements as a list; one without a statement where there is none."""
        try:
            found = json.loads(self._client.get_bucket_policy(Bucket=self.name)["Policy"])
        except ClientError as error:
            if _error_code(error) != "NoSuchBucketPolicy":
                raise _refusal(error, "s3", self.name, lost=False) from error
            found = {"Version": "2012-10-17", "Statement": []}
        listed = found["Statement"]
        return {**found, "Statement": listed if isinstance(listed, list) else [listed]}

    def write_policy(self, policy: Mapping[str, Any]) -> None:
        """Have this policy in the place of the bucket's."""
        with _translated_errors("s3", self.name, lost=True):
            self._client.put_bucket_policy(Bucket=self.name, Policy=json.dumps(policy))


class Ecr:
    """The container registry of the account whose credentials are at hand."""

    def __init__(self) -> None:
        with _translated_errors("ecr", "ECR"):
            self._client = boto3.client("ecr", region_name=_region(), config=CONFIG)
        self._client.meta.events.register("after-call", _check_answer)

    def image_digest(self, repository: str, tag: str) -> str | None:
        """Return the digest that the tag names, or None when the registry says that there is no such image."""
        return self.digests_of(repository, [tag])[tag]

    def digests_of(self, repository: str, tags: Sequence[str]) -> dict[str, str | None]:
        """Return the digest of each of these tags, None for one that the registry says it has not.

        All are asked for at once; where one is missing ECR tells of none, and each is asked for alone. BatchGetImage
        would tell which, but ECR takes it for a pull and writes its time down.
        """
        portions = [tags[start : start + AT_ONCE] for start in range(0, len(tags), AT_ONCE)]
        return {tag: digest for portion in portions for tag, digest in self._described(repository, portion).items()}

    def _described(self, repository: str, tags: Sequence[str]) -> dict[str, str | None]:
        request = {"repositoryName": repository, "imageIds": [{"imageTag": tag} for tag in tags]}
        found = _found_or_none(repository, self._client.describe_images, **request)
        if found is None and len(tags) > 1:
            alone = side_by_side([partial(self._described, repository, [tag]) for tag in tags])
            return {tag: digest for each in alone for tag, digest in each.items()}
        details = found["imageDetails"] if found else []
        named = {tag: image["imageDigest"] for image in details for tag in image["imageTags"]}
        return {tag: named[tag] if found else None for tag in tags}

    def image_digests(self, repository: str, _choose: object = None) -> dict[str, str]:
        """Return every tag's digest, all pages: ECR lists them, so nobody has to choose."""
        with _translated_errors("ecr", repository):
            pages = self._client.get_paginator("list_images").paginate(
                repositoryName=repository, filter={"tagStatus": "TAGGED"}, PaginationConfig={"PageSize": 1000}
            )
            images = [image for page in pages for image in page["imageIds"]]
        return {image["imageTag"]: image["imageDigest"] for image in images if "imageTag" in image}

    def address(self, repository: str) -> str:
        """Return what clients pull the repository by."""
        with _translated_errors("ecr", repository):
            found = self._client.describe_repositories(repositoryNames=[repository])["repositories"][0]
        return str(found["repositoryUri"])

    def is_immutable(self, repository: str) -> bool:
        """Whether the registry itself refuses to overwrite a tag."""
        return self.mutability(repository)[0].startswith("IMMUTABLE")

    def mutability(self, repository: str) -> tuple[str, list[str]]:
        """Return whether tags can be overwritten, in ECR's word, and the patterns of those that are left out."""
        with _translated_errors("ecr", repository):
            found = self._client.describe_repositories(repositoryNames=[repository])["repositories"][0]
        filters = found.get("imageTagMutabilityExclusionFilters") or []
        return str(found.get("imageTagMutability", "")), [each["filter"] for each in filters]

    def keep_tags(self, repository: str, moving: Sequence[str]) -> None:
        """Have the registry refuse to overwrite tags, but for those of these patterns."""
        filters = [{"filterType": "WILDCARD", "filter": each} for each in moving]
        but: dict[str, Any] = {"imageTagMutabilityExclusionFilters": filters} if moving else {}
        but["imageTagMutability"] = "IMMUTABLE_WITH_EXCLUSION" if moving else "IMMUTABLE"
        with _translated_errors("ecr", repository, lost=True):
            self._client.put_image_tag_mutability(repositoryName=repository, **but)


def _region() -> str | None:
    """Return AWS_REGION, as other SDKs read it; without it boto3 takes AWS_DEFAULT_REGION, or the profile's."""
    return os.environ.get("AWS_REGION") or None


def _check_answer(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: object) -> None:
    """Raise ForeignAnswerError for a page for people, and for a good answer without what the service always says."""
    kind = http_response.headers.get("content-type", "something")
    good = http_response.status_code < 300
    page = kind.startswith("text/html") and (
        model.name in ("HeadObject", "GetObject") if good else http_response.content
    )
    if page or (good and ALWAYS.get(model.name, "ResponseMetadata") not in parsed):
        raise ForeignAnswerError(url=http_response.url.partition("?")[0], kind=kind)


def _stored_object(key: str, answer: Mapping[str, Any]) -> S3Object:
    """Return the object as S3 answers for it; a checksum of parts is not of the whole object, and left out."""
    stored = answer.get("ChecksumSHA256", "")
    if "-" in stored or answer.get("ChecksumType") == "COMPOSITE":
        stored = ""
    headers = {name: answer[name] for name in HEADERS if name in answer}
    return S3Object(key, answer["ETag"].strip('"'), answer["LastModified"], base64.b64decode(stored).hex(), headers)


def _found_or_none(place: str, read: Callable[..., T], **request: Any) -> T | None:
    """Return the answer, or None where AWS says that there is no such thing; `place` is for messages."""
    with _translated_errors("AWS", place):
        try:
            return read(**request)
        except ClientError as error:
            if _error_code(error) in MISSING:
                return None
            raise


@contextmanager
def _translated_errors(service: str, place: str, lost: bool = False) -> Iterator[None]:
    """Turn what an operator can act on into our errors; `lost` when a broken write may have been done."""
    try:
        yield
    except SIGNED_OUT as error:
        raise Usage(f"{service}: {error}", _sign_in()) from error
    except ClientError as error:
        raise _refusal(error, service, place, lost) from error
    except BotoCoreError as error:  # the network, before an answer
        what = f"{service}: {place}: {error}"
        if lost:
            raise Unknown(what, LOOKS) from error
        raise Failed(what, "Check the network and AWS_ENDPOINT_URL, then run the same again.") from error


def _refusal(error: ClientError, service: str, place: str, lost: bool) -> ReleaseError:
    """Return what AWS said, as an operator can act on it; botocore has tried again by then what may pass."""
    code, status = _error_code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    what = f"{service}: {place}: {code} {error.response.get('Error', {}).get('Message', '')}".rstrip()
    if code in ("PreconditionFailed", "412"):
        return Conflict(f"{place} exists already", "A released file is never overwritten.")
    if code in EXPIRED:
        return Waiting(what, f"{_sign_in()} Then run the same again: it goes on.")
    if code in THROTTLED:
        return Waiting(what, "AWS limits the rate: run the same again in some minutes.")
    if status >= 500 and lost:
        return Unknown(what, LOOKS)
    if status >= 500 or code == "ConditionalRequestConflict":  # somebody else writes the key at this moment
        return Failed(what, LOOKS)
    return Failed(what, "May these credentials do that? aws sts get-caller-identity tells whose they are.")


def _sign_in() -> str:
    return OIDC if os.environ.get("GITHUB_ACTIONS") == "true" else SIGN_IN


def _error_code(error: ClientError) -> str:
    """Return AWS's own code of the error."""
    return str(error.response.get("Error", {}).get("Code", ""))
