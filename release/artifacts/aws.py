"""What S3 and ECR share: how they are called, and their errors as an operator can act on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import botocore.config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, PartialCredentialsError

from release.errors import Failed, Unknown, Usage

T = TypeVar("T")
CONFIG = botocore.config.Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 4})
SIGN_IN = "Sign in to AWS (aws sso login), or set AWS_PROFILE and AWS_REGION."
OIDC = "Give the job `permissions: id-token: write` and a step with aws-actions/configure-aws-credentials."
MISSING = ("404", "NoSuchKey", "NotFound", "ImageNotFoundException")


class PreconditionError(Exception):
    """S3 answered 412: the key is taken."""


def unless_missing(read: Callable[[], T], place: str) -> T | None:
    """Return what was read, or None where AWS says that there is no such thing; `place` is for messages."""
    with translated_errors("AWS", place):
        try:
            return read()
        except ClientError as error:
            if error_code(error) in MISSING:
                return None
            raise


@contextmanager
def translated_errors(service: str, place: str, lost: bool = False) -> Iterator[None]:
    """Turn what an operator can act on into our errors; `lost` when a broken write may have been done."""
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError, NoRegionError) as error:
        in_actions = os.environ.get("GITHUB_ACTIONS") == "true"
        raise Usage(f"{service}: {error}", OIDC if in_actions else SIGN_IN) from error
    except ClientError as error:
        if error_code(error) in ("PreconditionFailed", "ConditionalRequestConflict", "412"):
            raise PreconditionError from error
        details = error.response.get("Error", {})
        hint = "May these credentials do that? aws sts get-caller-identity tells whose they are."
        raise Failed(f"{service}: {place}: {error_code(error)} {details.get('Message', '')}".rstrip(), hint) from error
    except BotoCoreError as error:
        if lost:
            raise Unknown(f"{service}: {place}: {error}", "Run the same again: it looks first.") from error
        raise Failed(
            f"{service}: {place}: {error}", "Check the network and AWS_ENDPOINT_URL, then run the same again."
        ) from error


def error_code(error: ClientError) -> str:
    """Return AWS's own code of the error."""
    return str(error.response.get("Error", {}).get("Code", ""))
