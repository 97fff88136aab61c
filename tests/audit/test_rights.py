"""Each task with exactly what it is declared to need, and with one less."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Context, FakeClock, again, open_context
from doubles import Doubles
from gate import program, settings
from rights_page import page

from release.audit.rights import LEVELS, OPTIONAL, TASKS, actions, least
from release.call.flags import PickRequest
from release.errors import ReleaseError
from release.sandbox import Sandbox
from release.sandbox.github.records import app_token
from release.tasks import image, lines, picks, pipelines, platform, proofs, sdk

Act = Callable[[Context], object]
PICK, VIA_PR = PickRequest(pr=("14",)), PickRequest(pr=("14",), via_pr=True)
S3 = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Context:
    Doubles(sandbox)
    clock = FakeClock(time.time())
    return open_context(sandbox, monkeypatch, clock=clock, settings=settings(program(tmp_path)))


def nothing(_: Context) -> None:
    """Needed for a task that begins with the world as it is."""


def branch(context: Context) -> None:
    lines.branch(again(context), version="0.7.0")


def tag(context: Context) -> None:
    branch(context)
    lines.tag(again(context), version="0.7.0", ref="main")


def whole(context: Context) -> None:
    pipelines.minor(again(context), version="0.7.0")


CALLS: dict[str, tuple[Act, Act]] = {
    "release.next": (nothing, lines.next_),
    "release.check": (nothing, lambda c: lines.check(c, version="0.7.0")),
    "release.branch": (nothing, lambda c: lines.branch(c, version="0.7.0")),
    "release.tag": (branch, lambda c: lines.tag(c, version="0.7.0")),
    "release.pick": (nothing, lambda c: picks.pick(c, line="0.6", wanted=VIA_PR)),
    "release.verify": (whole, lambda c: proofs.verify(c, version="0.7.0")),
    "release.status": (whole, proofs.status),
    "release.withdraw": (whole, lambda c: proofs.withdraw(c, version="0.7.0", reason="x", hide=True)),
    "release.minor": (nothing, lambda c: pipelines.minor(c, version="0.7.0")),
    "release.patch": (nothing, lambda c: pipelines.patch(c, line="0.6", wanted=PICK)),
    "sdk.release": (tag, lambda c: sdk.release(c, version="0.7.0")),
    "sdk.dispatch": (tag, lambda c: sdk.dispatch(c, version="0.7.0")),
    "sdk.watch": (whole, lambda c: sdk.watch(c, version="0.7.0")),
    "sdk.wheel": (whole, lambda c: sdk.wheel(c, version="0.7.0")),
    "image.release": (nothing, lambda c: image.release(c, version="0.7.0")),
    "image.check": (whole, lambda c: image.check(c, version="0.7.0")),
    "platform.watch": (whole, lambda c: platform.watch(c, version="0.7.0")),
    "platform.check": (whole, lambda c: platform.check(c, version="0.7.0")),
    "release.component": (whole, lambda c: pipelines.component(c, name="sdk", accept="x")),
}
QUICK = ("release.branch", "release.tag", "release.pick", "sdk.dispatch")
EACH = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CALLS]


def narrowed(sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch, granted: dict[str, str]) -> Context:
    """Have the next call go with an app's token that has these permissions and no others."""
    sandbox.github.hub.settings.private = True
    named = {kind.replace("-", "_"): level for kind, level in granted.items()}
    sandbox.github.hub.tokens["narrow"] = app_token({**named, "metadata": "read"})
    monkeypatch.setenv("GITHUB_TOKEN", "narrow")
    return again(context)


def asked_of_aws(sandbox: Sandbox) -> set[str]:
    """The actions, as a policy names them, that were asked for."""
    assert sandbox.cloud
    found = set()
    for each in sandbox.cloud.requests:
        target = each.headers.get("x-amz-target", "")
        if target:
            found.add(f"ecr:{target.rpartition('.')[2]}")
        elif "list-type=2" in each.query:
            found.add("s3:ListBucket")
        else:
            found.add(S3[each.method])
    return found


@pytest.mark.parametrize("name", EACH)
def test_a_task_does_with_exactly_what_it_is_declared_to_need(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before, act = CALLS[name]
    before(context)
    assert sandbox.cloud
    sandbox.cloud.requests.clear()
    act(narrowed(sandbox, context, monkeypatch, least(TASKS[name])))
    # The workflows' own jobs, which stand-ins play, upload the wheel.
    asked = asked_of_aws(sandbox) - ({"s3:PutObject"} if "s3:PutObject" not in TASKS[name] else set())
    assert asked <= set(actions(TASKS[name]))


def lower(granted: dict[str, str], kind: str) -> dict[str, str]:
    """The permissions with one a level lower."""
    level = LEVELS.index(granted[kind])
    left = {kind: LEVELS[level - 1]} if level else {}
    return {name: given for name, given in granted.items() if name != kind} | left


# What shows many things shows one that it may not read as unknown; of a component that is out nothing is written.
SHOWS = ("release.status", "release.component")
FLAGS = [("release.patch", "pull-requests")]  # without --via-pr titles stand in
LESS = [
    pytest.param(name, kind, marks=() if name in QUICK else pytest.mark.slow)
    for name in CALLS
    for kind in least(TASKS[name])
    if name not in SHOWS and (name, kind) not in FLAGS and f"{kind}: {least(TASKS[name])[kind]}" not in OPTIONAL
]


@pytest.mark.parametrize(("name", "kind"), LESS)
def test_with_one_less_it_fails_and_names_what_is_missing(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    before, act = CALLS[name]
    before(context)
    with pytest.raises(ReleaseError) as refused:
        act(narrowed(sandbox, context, monkeypatch, lower(least(TASKS[name]), kind)))
    told = f"{refused.value.problem}\n{refused.value.hint}".lower()
    assert f"permissions: {kind}: " in told or "permission to" in told or "not found" in told, told


def test_the_page_shows_the_declaration() -> None:
    shown = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text(encoding="utf-8")
    assert shown == page(), "python tests/rights_page.py > docs/permissions.md"
