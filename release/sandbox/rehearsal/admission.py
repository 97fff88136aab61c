"""What the real world has, put into the sandbox as it is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from release.call.context import Context
from release.git.refs import HEADS, TAGS
from release.git.repository import FETCH, repository
from release.github.runs import parse_time
from release.sandbox.github.records import OWNER_LOGIN, TOKEN, Pull, Release, Token
from release.sandbox.github.rules import protect
from release.sandbox.rehearsal.outside import Json, Outside, attempt
from release.sandbox.runner.environments import Environment

if TYPE_CHECKING:
    from release.sandbox.git import Bare
    from release.sandbox.github.state import Hub
    from release.sandbox.world import Sandbox

_MERGES = ("allow_merge_commit", "allow_squash_merge", "allow_rebase_merge", "delete_branch_on_merge", "private")
GHOST = "ghost"  # whom GitHub names for an account that is gone


def admit(context: Context, world: Sandbox, found: Outside) -> list[str]:
    """Take what was found over into a sandbox that serves, and return a line for each part that could not be.

    Objects that it lacks are fetched there, not here.
    """
    hub = world.github.hub
    parts: list[tuple[str, Callable[[], object]]] = [
        ("branches and tags", partial(_take_refs, context, world, found.refs)),
        ("the repository's settings", partial(_take_repository, hub, found.repository)),
        *(("a pull request", partial(_take_pull, hub, each)) for each in found.pulls),
        *(("a GitHub Release", partial(_take_release, hub, each)) for each in found.releases),
        *((f"rules of {ref}", partial(protect, hub, ref, **each)) for ref, each in found.rules.items() if each),
        *(
            (f"environment {name}", partial(_take_environment, hub, name, each))
            for name, each in found.environments.items()
        ),
        ("keys and images", partial(_take_cloud, world, found)),
    ]
    with hub.lock:
        return list(dict.fromkeys(filter(None, (attempt(name, partial(_silently, take)) for name, take in parts))))


def _take_environment(hub: Hub, name: str, told: Json) -> None:
    rules = {str(each.get("type")): each for each in told.get("protection_rules") or []}
    people = [each.get("reviewer") or {} for each in rules.get("required_reviewers", {}).get("reviewers") or []]
    found = Environment(name, reviewers=[str(each.get("login") or each.get("slug")) for each in people])
    found.wait_minutes = int(rules.get("wait_timer", {}).get("wait_timer") or 0)
    found.prevents_self_review = bool(rules.get("required_reviewers", {}).get("prevent_self_review"))
    found.protected_branches = bool((told.get("deployment_branch_policy") or {}).get("protected_branches"))
    if "branch_policies" in told:
        patterns = [(each.get("type") or "branch", str(each["name"])) for each in told["branch_policies"]]
        found.branches = [pattern for kind, pattern in patterns if kind == "branch"]
        found.tags = [pattern for kind, pattern in patterns if kind == "tag"]
    hub.gates.environments[name] = found


def _silently(act: Callable[[], object]) -> str:
    """Do what says nothing when it went well."""
    act()
    return ""


def _take_refs(context: Context, world: Sandbox, refs: Mapping[str, str] | None) -> None:
    """Have the remote's branches and tags as they are now, whatever the clone last saw of them."""
    if refs is None:
        return
    try:
        _update_refs(context, world.bare, refs)
    finally:  # what changed until here was pushed by nobody
        world.github.hub.known_refs = world.bare.refs(HEADS, TAGS)


def _update_refs(context: Context, bare: Bare, refs: Mapping[str, str]) -> None:
    have = bare.refs(HEADS, TAGS)
    wanted = [name for name, target in refs.items() if have.get(name) != target]
    lacking = {name for name in wanted if bare.objects.find(refs[name]) is None}
    gone = [f"delete {name}\n" for name in have if name not in refs]
    known = [f"update {name} {refs[name]}\n" for name in wanted if name not in lacking]
    for commands in (gone, known):  # one after the other: a branch's name may have become a folder's
        bare.git("update-ref", "--stdin", text="".join(commands))
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
    user = (told.get("user") or {}).get("login") or GHOST
    pull = Pull(
        number, str(told["title"]), told.get("body") or "", user, head["ref"], base["ref"],
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
