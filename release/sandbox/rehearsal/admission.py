"""What the real world has, put into the sandbox as it is there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from release.call.context import Context
from release.git.refs import HEADS, TAGS
from release.git.repository import FETCH, repository
from release.github.runs import parse_time
from release.sandbox.github.records import OWNER_LOGIN, TOKEN, Pull, Release, Token
from release.sandbox.github.rules import protect
from release.sandbox.rehearsal.outside import Json, Outside

if TYPE_CHECKING:
    from release.sandbox.git import Bare
    from release.sandbox.github.state import Hub
    from release.sandbox.world import Sandbox

_MERGES = ("allow_merge_commit", "allow_squash_merge", "allow_rebase_merge", "delete_branch_on_merge", "private")


def admit(context: Context, world: Sandbox, found: Outside) -> None:
    """Take what was found over into a sandbox that serves; objects that it lacks are fetched there, not here."""
    hub = world.github.hub
    with hub.lock:
        if found.refs is not None:
            _take_refs(context, world.bare, found.refs)
            hub.known_refs = world.bare.refs(HEADS, TAGS)
        _take_repository(hub, found.repository)
        for each in found.pulls:
            _take_pull(hub, each)
        for each in found.releases:
            _take_release(hub, each)
        for pattern, rules in found.rules.items():
            if rules:
                protect(hub, pattern, **rules)
    _take_cloud(world, found)


def _take_refs(context: Context, bare: Bare, refs: Mapping[str, str]) -> None:
    """Have the remote's branches and tags as they are now, whatever the clone last saw of them."""
    have = bare.refs(HEADS, TAGS)
    gone = [f"delete {name}\n" for name in have if name not in refs]
    wanted = [name for name, target in refs.items() if have.get(name) != target]
    lacking = {name for name in wanted if bare.objects.find(refs[name]) is None}
    known = [f"update {name} {refs[name]}\n" for name in wanted if name not in lacking]
    bare.git("update-ref", "--stdin", text="".join([*gone, *known]))
    if lacking:
        repo = repository(context)
        own = [word for file in repo.settings() for word in ("-c", f"include.path={file}")]
        names = "".join(f"+{name}:{name}\n" for name in sorted(lacking))
        where = (*own, "-c", "core.bare=true", f"--git-dir={bare.path}")
        repo.git(*where, *FETCH, "--stdin", "--", repo.remote_url, stdin=names)


def _take_repository(hub: Hub, told: Json) -> None:
    for name in _MERGES:
        if name in told:
            setattr(hub.settings, name, bool(told[name]))
    if (told.get("permissions") or {}).get("push") is False:
        hub.tokens[TOKEN] = Token(OWNER_LOGIN, push=False)


def _take_pull(hub: Hub, told: Json) -> None:
    """Take an open pull request over, if the commit that it is about is here."""
    number, head, base = int(told["number"]), told["head"], told["base"]
    hub.last_number = max(hub.last_number, number)
    if hub.head(head["ref"]) != head["sha"] or not hub.head(base["ref"]):
        return
    labels = [each["name"] for each in told.get("labels") or []]
    pull = Pull(
        number, told["title"], told.get("body") or "", told["user"]["login"], head["ref"], base["ref"],
        head["sha"], hub.head(base["ref"]) or "", bool(told.get("draft")), labels=labels,
    )  # fmt: skip
    hub.pulls[number] = pull
    hub.bare.update_ref(f"refs/pull/{number}/head", head["sha"])


def _take_release(hub: Hub, told: Json) -> None:
    number = hub.next_id()
    hub.releases[number] = Release(
        number, told["tag_name"], told.get("target_commitish") or "", told.get("name") or "", told.get("body") or "",
        bool(told.get("draft")), bool(told.get("prerelease")), (told.get("author") or {}).get("login") or "",
        published_at=_moment(told.get("published_at")), immutable=bool(told.get("immutable")),
    )  # fmt: skip


def _moment(text: str | None) -> datetime | None:
    return parse_time(text) if text else None


def _take_cloud(world: Sandbox, found: Outside) -> None:
    """Put wheels and images where they are; an OCI registry's digest is its manifest's own, which is not read."""
    if world.cloud is None:
        return
    if found.images is not None:
        world.cloud.forget_images()  # made up of what the history names
    settings = world.cloud.settings
    if found.wheels:
        s3 = world.cloud.client("s3")
        for key, content in found.wheels.items():
            s3.put_object(Bucket=settings.sdk.bucket, Key=key, Body=content)
    lists_digests = settings.image.registry == "ecr"
    for name, tags in (found.images or {}).items():
        for tag, digest in tags.items():
            world.cloud.push_image(name, tag, digest or tag, digest if lists_digests else "")
