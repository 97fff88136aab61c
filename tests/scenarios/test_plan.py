"""A plan: noted by a dry call, followed by the real one, refused wherever the world is another by then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import again
from doubles import IMAGE, SDK, Doubles
from gate import FIT, program
from outside import dispatches, everything, peeled, remote_refs, writes
from typed import Type, typing_in

from release.sandbox import Sandbox
from release.sandbox.demo.component import merge_into_trunk

pytestmark = pytest.mark.usefixtures("doubles")

LINE = "refs/heads/release-0.6-20260901"
MINOR = ("release.minor", "--yes")
PATCH = ("release.patch", "--line", "0.6", "--pr", "14", "--pr", "15", "--yes")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as made:
        yield made


@pytest.fixture
def typed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Type:
    monkeypatch.setenv("INVOKE_RELEASE_OASDIFF", program(tmp_path))
    monkeypatch.setattr("release.github.http.WRITE_PAUSE", 0)
    return typing_in(sandbox, monkeypatch, capsys)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "plan.json")


def plan(typed: Type, file: str, *call: str) -> dict[str, Any]:
    """Plan the call, and return what the file says."""
    done = typed("--dry", *call, "--plan", file)
    assert done.code == 0, done.err
    text = Path(file).read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"
    return dict(json.loads(text))


def steps(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["kind"], each["name"]) for each in document["steps"]]


def facts(document: dict[str, Any], kind: str) -> Any:
    return next(each["facts"] for each in document["steps"] if each["kind"] == kind)


def refused(typed: Type, sandbox: Sandbox, file: str, *call: str, code: int = 3) -> str:
    """Follow the plan, which does not hold: nothing is written; return what it says."""
    before, asked = everything(sandbox), writes(sandbox)
    done = typed(*call, "--plan", file)
    assert done.code == code, done.out + done.err
    assert everything(sandbox) == before
    assert writes(sandbox) == asked
    assert len(done.err.splitlines()) <= 2
    return done.err


def push(sandbox: Sandbox, ref: str, *, change: bool = True) -> str:
    """Push a commit onto the branch, as somebody else does; return it."""
    tree = sandbox.bare.git("rev-parse", f"{ref}^{{tree}}").strip()
    if change:
        entry = sandbox.bare.git("ls-tree", tree, "--", "sdk").split()[2]
        listed = sandbox.bare.git("ls-tree", tree)
        tree = sandbox.bare.git("mktree", text=f"{listed}040000 tree {entry}\ttheirs\n").strip()
    sha = sandbox.bare.git("commit-tree", "-p", ref, "-m", "Theirs", tree).strip()
    sandbox.bare.update_ref(ref, sha)
    sandbox.github.hub.known_refs = sandbox.bare.refs("refs/heads", "refs/tags")
    return sha


def test_a_minor_is_released_by_its_plan_and_again(typed: Type, sandbox: Sandbox, file: str) -> None:
    before, trunk = everything(sandbox), remote_refs(sandbox)["refs/heads/main"]
    made = plan(typed, file, *MINOR)
    assert everything(sandbox) == before
    assert writes(sandbox) == []
    assert [kind for kind, _ in steps(made)] == [
        "bump", "run", "images", "pull request", "merge", "delete", "branch", "tag", "run", "wheel", "images",
        "draft", "release",
    ]  # fmt: skip
    assert (made["task"], made["version"], made["repository"]) == (
        "release.minor",
        "0.7.0",
        sandbox.github.hub.full_name,
    )
    bump, merge, run = facts(made, "bump")["commit"], facts(made, "merge"), facts(made, "run")
    assert (bump["known"], bump["base"], bump["commits"]) == ("later", trunk, 1)
    assert merge["onto"] == trunk
    assert merge["commit"]["tree"] == bump["tree"] == facts(made, "tag")["commit"]["tree"]
    assert run["inputs"] == {"version": "0.7.0", "is_release": True}
    assert run["file"] == sandbox.bare.git("rev-parse", f"{trunk}:.github/workflows/{IMAGE}").strip()
    assert str(sandbox.work) not in Path(file).read_text()
    assert typed(*MINOR, "--plan", file).code == 0
    sha = peeled(sandbox, "0.7.0")
    assert sha
    assert sandbox.bare.git("rev-parse", f"{sha}^{{tree}}").strip() == bump["tree"]
    assert (dispatches(sandbox, SDK), dispatches(sandbox, IMAGE)) == (1, 1)
    there, asked, said = everything(sandbox), writes(sandbox), Path(file).read_text()
    assert typed(*MINOR, "--plan", file).code == 0
    assert (everything(sandbox), writes(sandbox), Path(file).read_text()) == (there, asked, said)
