"""What a release wrote to the sandbox's GitHub, in order: told by what is there before and after each request."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from release.git.refs import HEADS, TAGS
from release.sandbox.github.app import READING_POSTS
from release.sandbox.github.state import Hub

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from release.sandbox.cloud import Cloud

Things = dict[tuple[str, Any], Any]


@dataclass(frozen=True)
class Written:
    """One thing that was made, moved or taken away; `about` are its exact names."""

    kind: str  # push, branch, tag, dispatch, run, rerun, pull request, merge, release, refused; key, image
    what: str
    about: dict[str, Any]


class Journal:
    """A WSGI application in front of a GitHub, which notes what each request changes and tells those who wait for it.

    They are told before the answer goes out.
    """

    def __init__(self, hub: Hub, application: WSGIApplication) -> None:
        self.written: list[Written] = []
        self.watchers: list[Callable[[Written], object]] = []
        self._hub, self._application, self._lock = hub, application, threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass on, and note what a writing request changed."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] in ("GET", "HEAD") or path.endswith(READING_POSTS):
            return self._application(environ, start_response)
        with self._lock:
            before = _things(self._hub)
            answer = Response.from_app(self._application, environ, buffered=True)
            new = list(_changes(before, _things(self._hub), path.endswith("receive-pack")))
            new += [Written("refused", f"push of {ref}", {"ref": ref}) for ref in _refused(answer.get_data())]
            self.written += new
        for each, watcher in ((each, watcher) for each in new for watcher in self.watchers):
            watcher(each)
        return answer(environ, start_response)


def _refused(answer: bytes) -> list[str]:
    """List the refs whose push the rules refused, as the answer to Git says it."""
    return [ref.decode() for ref in dict.fromkeys(re.findall(rb"rule violations found for (refs/[^\s]+)\.", answer))]


def _things(hub: Hub) -> Things:
    """List all that a release may change, as values that differ when it did."""
    with hub.lock:
        refs = {("ref", name): sha for name, sha in hub.bare.refs(HEADS, TAGS).items()}
        runs = {("run", run.id): (run.start, run.work.attempt) for run in hub.runs.values()}
        pulls = {
            ("pull", each.number): (each.state, each.merge_sha, each.head, each.base, each.title)
            for each in hub.pulls.values()
        }
        releases = {("release", each.id): (each.tag, each.draft) for each in hub.releases.values()}
    return {**refs, **pulls, **runs, **releases}


def _changes(before: Things, after: Things, is_push: bool) -> Iterator[Written]:
    for key in [*after, *(key for key in before if key not in after)]:
        old, new = before.get(key), after.get(key)
        if old != new:
            kind, name = key
            yield from _TELLERS[kind](name, old, new, is_push)


def _ref(name: str, old: str | None, new: str | None, is_push: bool) -> Iterator[Written]:
    kind, short = ("tag", name.removeprefix(TAGS)) if name.startswith(TAGS) else ("branch", name.removeprefix(HEADS))
    how = f"at {new[:9]}" if new and not old else f"from {(old or '')[:9]} to {new[:9]}" if new else "deleted"
    about = {"ref": name, "sha": new, "before": old}
    yield Written("push" if is_push and kind == "branch" and new else kind, f"{kind} {short} {how}", about)


def _run(_: int, old: Any, new: Any, _is_push: bool) -> Iterator[Written]:
    start, attempt = new
    file, name = start.path.rpartition("/")[2], start.ref.split("/", 2)[-1]
    about = {"workflow": file, "ref": start.ref, "sha": start.sha, "inputs": start.inputs, "event": start.event}
    if old:
        yield Written("rerun", f"attempt {attempt} of {file} on {name}", about)
    elif start.event == "workflow_dispatch":
        given = "".join(f" {key}={json.dumps(value).strip(chr(34))}" for key, value in start.inputs.items())
        yield Written("dispatch", f"run of {file} on {name}{' with' if given else ''}{given}", about)
    else:
        yield Written("run", f"run of {file} on {name}, started by the {start.event.replace('_', ' ')}", about)


def _pull(number: int, old: Any, new: Any, _is_push: bool) -> Iterator[Written]:
    state, merged, head, base, title = new
    about = {"number": number, "head": head, "base": base, "state": state, "sha": merged or None}
    if merged and not (old and old[1]):
        yield Written("merge", f"pull request #{number} merged into {base} as {merged[:9]}", about)
    elif old is None or old[0] != state:
        opened = f"pull request #{number} of {head} into {base}: {title}"
        yield Written("pull request", opened if state == "open" else f"pull request #{number} closed", about)


def _release(_: int, old: Any, new: Any, _is_push: bool) -> Iterator[Written]:
    tag, draft = new if new else old
    state = ("as a draft" if draft else "published") if new else "deleted"
    yield Written("release", f"GitHub Release {tag} {state}", {"tag": tag, "draft": draft})


_TELLERS: dict[str, Callable[[Any, Any, Any, bool], Iterator[Written]]] = {
    "ref": _ref, "run": _run, "pull": _pull, "release": _release,
}  # fmt: skip


def cloud_content(cloud: Cloud | None) -> dict[str, str]:
    """Return what is in the bucket and the registry: ETags by address, digests by image."""
    if cloud is None:
        return {}
    s3, ecr, bucket = cloud.client("s3"), cloud.client("ecr"), cloud.settings.sdk.bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    objects = [each for page in pages for each in page.get("Contents", [])]
    found = {f"s3://{bucket}/{each['Key']}": each["ETag"].strip('"') for each in objects}
    for name in cloud.settings.image_repositories:
        for page in ecr.get_paginator("list_images").paginate(repositoryName=name):
            found |= {f"{name}:{each['imageTag']}": each["imageDigest"] for each in page["imageIds"]}
    return found


def cloud_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Written]:
    """List what is new or another in the bucket and the registry."""
    new = {name: digest for name, digest in after.items() if before.get(name) != digest}
    kinds = {name: "key" if name.startswith("s3://") else "image" for name in new}
    return [Written(kinds[name], f"{kinds[name]} {name}", {"name": name, "digest": new[name]}) for name in new]
