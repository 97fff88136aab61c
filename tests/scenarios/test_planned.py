"""A plan: noted by a dry call, followed by the real one, refused wherever the world is another by then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles import IMAGE, SDK, Doubles
from gate import FIT, program, tag
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


def without_last(sandbox: Sandbox, ref: str) -> None:
    """Take the branch's last commit back, as nobody pushed it."""
    sandbox.bare.update_ref(ref, str(sandbox.bare.sha(f"{ref}~1")))
    sandbox.github.hub.known_refs = sandbox.bare.refs("refs/heads", "refs/tags")


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


def test_each_drift_of_a_minor_is_refused_and_nothing_written(
    typed: Type, sandbox: Sandbox, doubles: Doubles, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = "refs/heads/main"
    made = plan(typed, file, *MINOR)
    base = remote_refs(sandbox)[main]
    for change in (True, False):
        theirs = push(sandbox, main, change=change)
        said = refused(typed, sandbox, file, *MINOR)
        assert f"bump refs/heads/image-0.7.0: base: planned {base}, now {theirs}" in said
        without_last(sandbox, main)
    (name, digest), *_ = made["seen"]["images of lepton"].items()
    doubles.push("lepton", name, "theirs")
    assert f"{name}: planned {digest}, now sha256:" in refused(typed, sandbox, file, *MINOR)
    refused(typed, sandbox, file, *MINOR, "--no-image", code=2)
    monkeypatch.setenv("INVOKE_SDK_PREFIX", "other/")
    plan(typed, file, *MINOR)  # the digest is what is there now
    monkeypatch.delenv("INVOKE_SDK_PREFIX")
    said = refused(typed, sandbox, file, *MINOR)
    assert "the plan has no such step: wheel s3://lepton-sdk/release/" in said
    assert "plan anew: inv --dry release.minor --yes --plan" in said
    plan(typed, file, *MINOR)
    doubles.push("lepton-web", "0.7.0", "theirs")  # which nobody could make before the tag is there
    said = refused(typed, sandbox, file, *MINOR)
    assert "images the platform 0.7.0: digests: lepton-web:0.7.0: planned a new one, now sha256:" in said
    plan(typed, file, *MINOR)
    settings = Path(file).with_name("settings.yaml")
    settings.write_text("sdk:\n  inputs: {publish_s3: true, is_release: true, publish_pypi: true}\n")
    said = refused(typed, sandbox, file, "-f", str(settings), *MINOR)
    assert "inputs: publish_pypi: planned nothing, now True" in said
    tag(sandbox, "0.7.0")
    assert "refs/tags/0.7.0: planned nothing, now " in refused(typed, sandbox, file, *MINOR)


@pytest.mark.slow
def test_a_call_that_stopped_half_way_goes_on_with_its_plan(
    typed: Type, sandbox: Sandbox, doubles: Doubles, file: str
) -> None:
    plan(typed, file, *MINOR)
    sandbox.github.faults.add("PUT", "/merge", status=403, times=None, body={"message": "Not now."})
    assert typed(*MINOR, "--plan", file).code == 1
    sandbox.github.faults.clear()
    theirs = push(sandbox, "refs/heads/main", change=False)
    assert f"now {theirs}" in refused(typed, sandbox, file, *MINOR)
    without_last(sandbox, "refs/heads/main")
    sandbox.github.faults.add("POST", f"{SDK}/dispatches", status=403, times=None, body={"message": "Not now."})
    assert typed(*MINOR, "--plan", file).code == 1  # tagged, from the trunk that the plan moved
    sandbox.github.faults.clear()
    assert typed(*MINOR, "--plan", file).code == 0
    assert (len(doubles.runs_of(SDK)), len(doubles.runs_of(IMAGE))) == (1, 1)


@pytest.mark.slow
def test_a_patch_is_released_by_its_plan_from_the_line_as_it_was(typed: Type, sandbox: Sandbox, file: str) -> None:
    made, head = plan(typed, file, *PATCH), remote_refs(sandbox)[LINE]
    assert [kind for kind, _ in steps(made)] == ["picks", "tag", "run", "wheel", "images", "draft", "release"]
    picked = facts(made, "picks")["commit"]
    assert (picked["base"], picked["commits"]) == (head, 2)
    theirs = push(sandbox, LINE)
    assert f"{LINE}: planned {head}, now {theirs}" in refused(typed, sandbox, file, *PATCH)
    without_last(sandbox, LINE)
    refused(typed, sandbox, file, *PATCH[:5], "--yes", code=2)  # without one of its picks
    push(sandbox, "refs/heads/main")  # which no patch rests on
    sandbox.github.faults.add("POST", f"{SDK}/dispatches", status=403, times=None, body={"message": "Not now."})
    assert typed(*PATCH, "--plan", file).code == 1
    sandbox.github.faults.clear()
    assert typed(*PATCH, "--plan", file).code == 0
    sha = peeled(sandbox, "0.6.3")
    assert sandbox.bare.git("rev-parse", f"{sha}^{{tree}}").strip() == picked["tree"]
    asked = writes(sandbox)
    assert typed(*PATCH, "--plan", file).code == 0
    assert writes(sandbox) == asked


@pytest.mark.slow
def plain(value: Any, names: dict[str, str]) -> Any:
    """Facts with a commit that is not made yet as a phrase, and commits and files that are there by their names."""
    if isinstance(value, dict) and value.get("known") == "later":
        base = names.get(value.get("base", ""), "?")
        return f"{value['by']}: {value['commits']} on {base}" if "tree" in value else "later"
    if isinstance(value, dict):
        return {key: plain(each, names) for key, each in value.items()}
    return names.get(value, value) if isinstance(value, str) else value


def test_each_step_of_a_plan_says_what_it_rests_on_and_what_it_makes(typed: Type, sandbox: Sandbox, file: str) -> None:
    line, head = LINE.removeprefix("refs/heads/"), remote_refs(sandbox)[LINE]
    made = plan(typed, file, *PATCH, "--via-pr", "--image")
    paths = (f".github/workflows/{name}" for name in ("sdk-release.yaml", "photon-runner-docker-images.yaml"))
    names = {head: "line"} | {sandbox.bare.git("rev-parse", f"{LINE}:{path}").strip(): path[18:] for path in paths}
    backport = next(name for kind, name in steps(made) if kind == "backport")
    topic = backport.removeprefix("refs/heads/")
    merge, bump = f"{topic} → {line}", f"bump {LINE}: 3 on line"
    picks, merged = f"backport {backport}: 2 on line", f"merge {merge}: 2 on line"
    runner = [f"photon-py{python}-runner-0.6.3" for python in ("3.10", "3.11", "3.7", "3.8", "3.9")]
    platform = ("lepton-api-server:0.6.3", "lepton-deployment-operator:0.6.3", "lepton-web:0.6.3")
    assert [(each["kind"], each["name"], plain(each["facts"], names)) for each in made["steps"]] == [
        ("backport", backport, {"commit": picks}),
        ("pull request", merge, {"base": line, "commit": picks, "head": backport}),
        ("merge", merge, {"commit": merged, "head": picks, "into": LINE, "method": "merge", "onto": "line"}),
        ("delete", backport, {}),
        ("bump", LINE, {"commit": bump}),
        ("run", "photon-runner-docker-images.yaml", {
            "commit": bump, "file": "photon-runner-docker-images.yaml",
            "inputs": {"is_release": True, "version": "0.6.3"}, "ref": LINE,
        }),
        ("images", "lepton 0.6.3", {"digests": dict.fromkeys(runner, "later"), "registry": "ecr"}),
        ("tag", "refs/tags/0.6.3", {"commit": bump}),
        ("run", "sdk-release.yaml", {
            "commit": bump, "file": "sdk-release.yaml", "inputs": {"is_release": True, "publish_s3": True},
            "ref": "refs/tags/0.6.3",
        }),
        ("wheel", "s3://lepton-sdk/release/leptonai-0.6.3-py3-none-any.whl", {"sha256": "later"}),
        ("images", "the platform 0.6.3", {"digests": dict.fromkeys(platform, "later")}),
        ("draft", "0.6.3", {}),
        ("release", "0.6.3", {"latest": True, "prerelease": False}),
    ]  # fmt: skip


@pytest.mark.parametrize("flags", [("--image",), ("--via-pr",), ("--no-checks",)])
def test_a_patch_of_any_kind_is_released_by_its_plan(
    typed: Type, sandbox: Sandbox, file: str, flags: tuple[str, ...]
) -> None:
    plan(typed, file, *PATCH, *flags)
    done = typed(*PATCH, *flags, "--plan", file)
    assert done.code == 0, done.err
    assert typed(*PATCH, *flags, "--plan", file).code == 0


def test_a_component_is_released_by_its_plan(typed: Type, sandbox: Sandbox, file: str) -> None:
    merge_into_trunk(sandbox, "fix: take what is released", FIT)
    call = ("release.component", "--name", "sdk", "--yes")
    made, trunk = plan(typed, file, *call), remote_refs(sandbox)["refs/heads/main"]
    assert facts(made, "tag") == {"accepted": "", "commit": trunk, "component": "sdk"}
    theirs = push(sandbox, "refs/heads/main")
    assert f"commit: planned {trunk}, now {theirs}" in refused(typed, sandbox, file, *call)
    without_last(sandbox, "refs/heads/main")
    assert typed(*call, "--plan", file).code == 0
    assert peeled(sandbox, "0.6.3") == trunk
    assert typed(*call, "--plan", file).code == 0
