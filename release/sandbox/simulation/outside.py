"""The sandbox's cloud, as steps reach it: its bucket and its images."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import cached_property
from typing import Any

_OCI = "application/vnd.oci.image"
_MANIFEST = f"{_OCI}.manifest.v1+json"


def image_manifest(made_of: Mapping[str, str]) -> str:
    """Write the manifest of an image, small, the same for what it is made of."""
    parts = {"layer.v1.tar": json.dumps(dict(made_of), sort_keys=True).encode(), "config.v1+json": b"{}"}
    layer, config = (
        {"mediaType": f"{_OCI}.{kind}", "digest": f"sha256:{hashlib.sha256(part).hexdigest()}", "size": len(part)}
        for kind, part in parts.items()
    )
    return json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": [layer]})


class Outside:
    """What the job environment of a sandbox leads to."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment

    def image(self, repository: str, tag: str) -> str | None:
        """Return the manifest that a tag names; nothing where there is none."""
        status, text = self._ask("GET", repository, tag)
        return text if status == 200 else None

    def push_image(self, repository: str, tag: str, manifest: str) -> bool:
        """Give a manifest to a tag; false when the registry has no such repository."""
        return self._ask("PUT", repository, tag, manifest.encode())[0] == 201

    def _ask(self, method: str, repository: str, tag: str, content: bytes | None = None) -> tuple[int, str]:
        url = f"{self.environment['SANDBOX_REGISTRY']}/v2/{repository}/manifests/{tag}"
        request = urllib.request.Request(url, content, {"Content-Type": _MANIFEST}, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # nosec B310
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """List the keys below a prefix; none where there is no such bucket."""
        if bucket not in self.buckets:
            return []
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def read(self, bucket: str, key: str) -> bytes | None:
        """Read an object; nothing where there is none."""
        if key not in self.keys(bucket, key):
            return None
        return bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def put(self, bucket: str, key: str, content: bytes) -> bool:
        """Write an object; false when there is no such bucket."""
        if bucket not in self.buckets:
            return False
        self._s3.put_object(Bucket=bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256")
        return True

    @cached_property
    def buckets(self) -> list[str]:
        """The buckets that the sandbox has."""
        return [each["Name"] for each in self._s3.list_buckets()["Buckets"]]

    @cached_property
    def _s3(self) -> Any:
        import boto3

        env = self.environment
        return boto3.client(
            "s3",
            endpoint_url=env.get("AWS_ENDPOINT_URL_S3") or env["AWS_ENDPOINT_URL"],
            region_name=env["AWS_REGION"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        )
