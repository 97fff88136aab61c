"""What merging a pull request means: predicted, and then really done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Context, FakeClock, again, open_context, printed
from history import BRANCH, FILES, LINES, Author, changed, commit, git, snapshot
from outside import everything, writes

from release.audit.preview import MARK
from release.call.flags import PickRequest
from release.call.report import Report
from release.errors import Failed, ReleaseError, Usage
from release.github.api import github
from release.sandbox import Sandbox
from release.sandbox.github.records import workflow_token
from release.tasks import gates, picks

Files = dict[str, str]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(FILES, cloud=False) as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(sandbox, monkeypatch, clock=FakeClock())


@pytest.fixture
def author(sandbox: Sandbox, context: Context) -> Author:
    """A line cut, and then a trunk on which a.txt's third line and c.txt came."""
    made = Author(sandbox)
    made.cut()
    made.commit("feat: rename (#90)", a_txt=changed(LINES, 3, "renamed"))
    made.commit("feat: new file (#91)", c_txt="new\n")
    return made


def pull(context: Context, author: Author, files: Files, *more: Files) -> int:
    """Open a pull request with a commit for each of these."""
    git(author.path, "checkout", "-q", "-B", "topic")
    for number, each in enumerate((files, *more)):
        commit(author.path, f"fix: it {number}", each)
    author.push("refs/heads/topic")
    git(author.path, "checkout", "-q", "main")
    body = {"title": "fix: it", "head": "topic", "base": "main", "body": ""}
    return int(github(context).send("POST", "pulls", body)["number"])


def told(context: Context, **options: Any) -> list[dict[str, Any]]:
    """Ask for the preview as JSON, and return its steps."""
    one = again(context)
    one.report = Report("json", one.report.stream)
    gates.preview(one, **options)
    return [json.loads(line) for line in printed(one).splitlines()]


def of_line(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return next(row for row in rows if "pick" in row)


CASES: dict[str, tuple[list[Files], str, list[str]]] = {
    "far away": ([{"a.txt": changed(changed(LINES, 3, "renamed"), 12, "mended")}], "clean", []),
    "another file": ([{"b.txt": changed(LINES, 3, "mended")}], "clean", []),
    "two commits": ([{"b.txt": changed(LINES, 3, "x")}, {"b.txt": changed(LINES, 3, "y")}], "clean", []),
    "a new file": ([{"d.txt": "mine\n"}], "clean", []),
    "bytes": ([{"d.bin": "\0\1\2\n"}], "clean", []),
    "the renamed line": ([{"a.txt": changed(LINES, 3, "renamed and mended")}], "needs others", ["a.txt"]),
    "the new file": ([{"c.txt": "newer\n"}], "needs others", ["c.txt"]),
    "both": (
        [{"c.txt": "newer\n", "a.txt": changed(LINES, 3, "renamed and mended")}],
        "needs others",
        ["a.txt", "c.txt"],
    ),
}


@pytest.mark.parametrize("method", ["squash", "merge"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_predicted_is_what_a_pick_comes_to(context: Context, author: Author, case: str, method: str) -> None:
    """And with those that it needs before it, it is clean."""
    files, comes_to, conflicts = CASES[case]
    number = pull(context, author, *files)
    found = of_line(told(context, pr=str(number)))
    assert (found["line"], found["pick"], sorted(found["files"])) == ("0.7", comes_to, conflicts)
    github(context).send("PUT", f"pulls/{number}/merge", {"merge_method": method})
    author.noticed()
    trial = again(context, dry=True)
    if comes_to == "clean":
        picks.pick(trial, line="0.7", wanted=PickRequest(pr=(str(number),)))
        return
    with pytest.raises(Failed) as failed:
        picks.pick(trial, line="0.7", wanted=PickRequest(pr=(str(number),)))
    assert all(f"  {name} (" in failed.value.problem for name in conflicts)
    wanted = PickRequest(pr=(str(number),), commit=tuple(found["needs"]))
    picks.pick(again(context, dry=True), line="0.7", wanted=wanted)


def test_what_the_line_has_differently_conflicts_whatever_comes_first(context: Context, author: Author) -> None:
    author.on_line("the line's own", {"b.txt": changed(LINES, 5, "theirs")})
    author.commit("feat: elsewhere (#92)", b_txt=changed(LINES, 12, "elsewhere"))
    number = pull(context, author, {"b.txt": changed(changed(LINES, 12, "elsewhere"), 5, "mine")})
    found = of_line(told(context, pr=str(number)))
    assert (found["pick"], found["files"], found["needs"]) == ("conflict", ["b.txt"], [])
    one = again(context)
    gates.preview(one, pr=f"#{number}")
    assert "✘ 0.7: the pick conflicts in b.txt" in printed(one)


def test_what_is_there_is_said(context: Context, author: Author) -> None:
    author.on_line("by hand", {"b.txt": changed(LINES, 5, "mended")})
    number = pull(context, author, {"b.txt": changed(LINES, 5, "mended")})
    assert of_line(told(context, pr=str(number)))["pick"] == "there already"


def test_it_tells_the_version_the_components_and_what_is_late(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    number = pull(context, author, {"b.txt": changed(LINES, 3, "mended")})
    rows = told(context, pr=str(number))
    assert next(row["version"] for row in rows if "version" in row) == "0.8.0"
    assert {row["component"] for row in rows if "component" in row} == {"backend", "sdk", "web"}
    sha = git(author.path, "rev-parse", "main~1")
    github(context).send("POST", "pulls", {"title": "x", "head": "topic", "base": BRANCH, "body": ""})
    late = sandbox.github.hub.pulls[number + 1]
    late.number, late.labels, late.state, late.merge_sha = 90, ["backport-0.7"], "closed", sha
    late.merged_at = late.created_at
    sandbox.github.hub.pulls[90] = sandbox.github.hub.pulls.pop(number + 1)
    rows = told(context, pr=str(number))
    assert [row["pull"] for row in rows if "pull" in row] == [90]


def test_nothing_is_written_here_or_there_and_twice_is_the_same(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    number = pull(context, author, {"a.txt": changed(LINES, 3, "renamed and mended")})
    (sandbox.work / "a.txt").write_text("half done\n")
    before, here, sent = everything(sandbox), snapshot(sandbox.work), writes(sandbox)
    first, second = again(context), again(context, dry=True)
    gates.preview(first, pr=str(number))
    gates.preview(second, pr=str(number))
    assert printed(first) == printed(second)
    assert (everything(sandbox), snapshot(sandbox.work), writes(sandbox)) == (before, here, sent)


def test_a_job_that_only_reads_needs_no_name_key_or_right_to_write(
    sandbox: Sandbox, context: Context, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = pull(context, author, {"a.txt": changed(LINES, 3, "renamed and mended")})
    granted = {"contents": "read", "pull-requests": "read", "issues": "read"}  # what a fork's job may have
    sandbox.github.hub.tokens["reads"] = workflow_token(granted)
    monkeypatch.setenv("GITHUB_TOKEN", "reads")
    for name in ("name", "email"):
        git(sandbox.work, "config", f"user.{name}", "")
    git(sandbox.work, "config", "user.useConfigOnly", "true")
    git(sandbox.work, "config", "commit.gpgSign", "true")
    git(sandbox.work, "config", "gpg.program", "false")
    assert of_line(told(context, pr=str(number)))["pick"] == "needs others"


def test_a_job_s_clone_of_one_commit_is_enough(
    sandbox: Sandbox, context: Context, author: Author, tmp_path: Path
) -> None:
    number = pull(context, author, {"a.txt": changed(LINES, 3, "renamed and mended")})
    clone = tmp_path / "job"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{sandbox.bare.path}", str(clone))
    git(clone, "remote", "set-url", "origin", git(sandbox.work, "remote", "get-url", "origin"))
    one = again(context, folder=clone)
    one.report = Report("json", one.report.stream)
    gates.preview(one, pr=str(number))
    rows = [json.loads(line) for line in printed(one).splitlines()]
    assert of_line(rows)["pick"] == "needs others"
    assert (clone / ".git" / "shallow").exists()


def test_a_forks_pull_request_is_read_by_its_own_ref(sandbox: Sandbox, context: Context, author: Author) -> None:
    number = pull(context, author, {"b.txt": changed(LINES, 3, "mended")})
    git(author.path, "push", "-q", "origin", ":refs/heads/topic")
    assert of_line(told(context, pr=str(number)))["pick"] == "clean"


def test_without_a_number_it_is_the_events_or_what_is_checked_out(
    sandbox: Sandbox, context: Context, author: Author, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(Usage, match="main has all of it: there is nothing to merge"):
        gates.preview(again(context))
    commit(sandbox.work, "mine", {"d.txt": "mine\n"})
    here = again(context)
    gates.preview(here)
    assert printed(here).startswith(f"commit {git(sandbox.work, 'rev-parse', 'HEAD')[:9]} → main")
    number = pull(context, author, {"b.txt": changed(LINES, 3, "mended")})
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": number}}))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    by_event = again(context)
    gates.preview(by_event)
    assert printed(by_event).splitlines()[0] == f"#{number} fix: it → main"
    event.write_text("no JSON")
    with pytest.raises(Usage, match="is no event of GitHub's"):
        gates.preview(again(context))


def test_one_comment_is_kept_up_to_date(sandbox: Sandbox, context: Context, author: Author) -> None:
    number = pull(context, author, {"b.txt": changed(LINES, 3, "mended")})
    dry = again(context, dry=True)
    gates.preview(dry, pr=str(number), comment=True)
    assert f"the comment on #{number} (to do)" in printed(dry)
    assert comments(context, number) == []
    for _ in range(2):
        gates.preview(again(context), pr=str(number), comment=True)
    (first,) = comments(context, number)
    assert first.startswith(f"{MARK}\nThe next version is **0.8.0**.")
    assert "| 0.7 | the pick is clean |" in first
    sent = writes(sandbox)
    gates.preview(again(context), pr=str(number), comment=True)
    assert writes(sandbox) == sent
    author.on_line("the line's own", {"b.txt": changed(LINES, 3, "theirs")})
    gates.preview(again(context), pr=str(number), comment=True)
    (second,) = comments(context, number)
    assert "| 0.7 | the pick conflicts in b.txt |" in second
    commit(sandbox.work, "mine", {"d.txt": "mine\n"})
    with pytest.raises(Usage, match="needs a pull request"):
        gates.preview(again(context), comment=True)


def comments(context: Context, number: int) -> list[str]:
    return [each["body"] for each in github(context).pages(f"issues/{number}/comments")]


@pytest.mark.parametrize("wrong", ["", "x1"])
def test_what_is_no_pull_request_to_merge_is_told(context: Context, author: Author, wrong: str) -> None:
    if wrong:
        with pytest.raises(Usage, match="no pull request's number"):
            gates.preview(again(context), pr=wrong)
        return
    with pytest.raises(ReleaseError, match="404"):
        gates.preview(again(context), pr="77")
    number = pull(context, author, {"b.txt": changed(LINES, 3, "mended")})
    author.commit("feat: the same place", b_txt=changed(LINES, 3, "other"))
    with pytest.raises(Failed, match=r"it conflicts with main: b\.txt") as failed:
        gates.preview(again(context), pr=str(number))
    assert failed.value.hint == "Merge main into it, or rebase it; then ask again."
    github(context).send("PATCH", f"pulls/{number}", {"state": "closed"})
    with pytest.raises(Usage, match=f"#{number} is closed"):
        gates.preview(again(context), pr=str(number))
    other = github(context).send("POST", "pulls", {"title": "x", "head": "topic", "base": BRANCH, "body": ""})["number"]
    with pytest.raises(Usage, match=f"#{other} goes to {BRANCH}, not to main"):
        gates.preview(again(context), pr=str(other))
