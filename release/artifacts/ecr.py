"""The images of an AWS account's registry."""

from __future__ import annotations

import boto3

from release.artifacts.aws import CONFIG, translated_errors, unless_missing


class Ecr:
    """The container registry of the account whose credentials are at hand."""

    def __init__(self) -> None:
        with translated_errors("ecr", "ECR"):
            self._client = boto3.client("ecr", config=CONFIG)

    def image_digest(self, repository: str, tag: str) -> str | None:
        """Return the digest that the tag names, or None when the registry says that there is no such image."""
        found = unless_missing(
            lambda: self._client.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}]), repository
        )
        return found["imageDetails"][0]["imageDigest"] if found else None

    def image_digests(self, repository: str) -> dict[str, str]:
        """Return every tag's digest, all pages; nothing else of them is kept."""
        digests: dict[str, str] = {}
        with translated_errors("ecr", repository):
            pages = self._client.get_paginator("list_images").paginate(
                repositoryName=repository, filter={"tagStatus": "TAGGED"}, PaginationConfig={"PageSize": 1000}
            )
            for page in pages:
                digests.update(
                    (image["imageTag"], image["imageDigest"]) for image in page["imageIds"] if "imageTag" in image
                )
        return digests

    def is_immutable(self, repository: str) -> bool:
        """Whether the registry itself refuses to overwrite a tag."""
        with translated_errors("ecr", repository):
            found = self._client.describe_repositories(repositoryNames=[repository])["repositories"][0]
        return str(found.get("imageTagMutability", "")).startswith("IMMUTABLE")
