"""What each task asks for, on GitHub and of AWS: the one declaration; docs/permissions.md shows it, tests hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# By their names in a workflow's `permissions`; a fine-grained token's and an app's are called alike.
LEVELS = ("read", "write")
# What stands in where it may not be had (F31): what Actions runs itself, and its jobs, say nearly the same.
OPTIONAL = ("checks: read", "statuses: read")
GIT, PUSH = "contents: read", "contents: write"
RUNS, DISPATCH = "actions: read", "actions: write"
PULLS, PULL = "pull-requests: read", "pull-requests: write"
READ_S3, LIST_S3, WRITE_S3, DELETE_S3 = "s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"
IMAGES, TAGS = "ecr:DescribeImages", "ecr:ListImages"
WHEEL, SHIPS = (READ_S3, LIST_S3), (PUSH, DISPATCH, RUNS, READ_S3, LIST_S3, IMAGES)

TASKS: Mapping[str, tuple[str, ...]] = {
    "release.next": (GIT,),
    "release.check": (GIT,),
    "release.branch": (PUSH,),
    "release.pick": (PUSH, PULL, RUNS, *OPTIONAL),
    "release.tag": (PUSH, IMAGES),
    "release.notes": (PUSH, RUNS, PULLS, *WHEEL, IMAGES),
    "release.verify": (GIT, RUNS, PULLS, *WHEEL, IMAGES),
    "release.status": (GIT, RUNS, PULLS, *WHEEL, IMAGES),
    "release.compat": (GIT,),
    "release.ready": (GIT, RUNS, *OPTIONAL),
    "release.preview": (GIT, PULLS),
    "release.withdraw": (PUSH, *WHEEL, WRITE_S3, DELETE_S3),
    "sdk.dispatch": (GIT, DISPATCH, *WHEEL),
    "sdk.watch": (GIT, RUNS),
    "sdk.wheel": (GIT, RUNS, *WHEEL),
    "sdk.release": (GIT, DISPATCH, *WHEEL),
    "sdk.publish": (*WHEEL, WRITE_S3),
    "image.bump": (PUSH, IMAGES),
    "image.dispatch": (GIT, DISPATCH, IMAGES, TAGS),
    "image.watch": (GIT, RUNS, IMAGES),
    "image.check": (IMAGES,),
    "image.pr": (PUSH, PULL, RUNS, IMAGES, *OPTIONAL),
    "image.release": (PUSH, DISPATCH, PULL, IMAGES, TAGS, *OPTIONAL),
    "platform.watch": (GIT, RUNS),
    "platform.check": (IMAGES,),
    "release.minor": (*SHIPS, PULL, TAGS, *OPTIONAL),
    "release.major": (*SHIPS, PULL, TAGS, *OPTIONAL),
    "release.patch": (*SHIPS, PULL, TAGS, *OPTIONAL),
    "release.component": (*SHIPS, PULLS),
}


def least(rights: Iterable[str]) -> dict[str, str]:
    """Return the permissions on GitHub among them: of each kind the highest level, which holds the lower ones."""
    found: dict[str, str] = {}
    for kind, level in (each.split(": ") for each in rights if ": " in each):
        found[kind] = max(found.get(kind, level), level, key=LEVELS.index)
    return dict(sorted(found.items()))


def actions(rights: Iterable[str]) -> list[str]:
    """Return what of them AWS is asked for, as a policy names it."""
    return sorted({each for each in rights if ": " not in each})
