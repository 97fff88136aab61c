"""What is on the trunk and not on a line: the table, its filters, and its speed."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import again, open_context, printed
from history import BRANCH, FILES, LINES, Author, changed, commit, git

from release.call.context import Context
from release.call.flags import Listing
from release.call.report import Report
from release.errors import Usage
from release.git.fetch import need_history
from release.git.refs import RemoteRef
from release.git.repository import Repository, repository
from release.git.snapshot import remote
from release.github.api import GitHub, github
from release.picks.candidates import Candidate, candidates_of, show_candidates
from release.picks.request import PickRequest, pull_number, pull_request_shas, requested_picks
from release.sandbox import Sandbox
from release.sandbox.github.records import Pull
from release.tasks import picks
from release.versions import Line

SEVEN = Line(0, 7)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(FILES, cloud=False) as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    return open_context(sandbox, monkeypatch)


@pytest.fixture
def author(sandbox: Sandbox, context: Context) -> Author:
    return Author(sandbox)


def listed(context: Context, **filters: object) -> list[Candidate]:
    return show_candidates(again(context), SEVEN, Listing(True, **filters))  # type: ignore[arg-type]


def titles(context: Context, **filters: object) -> list[str]:
    return [each.title for each in listed(context, **filters)]


def test_what_is_there_by_patch_or_trailer_is_left_out(context: Context, author: Author) -> None:
    author.commit("before the cut", a_txt=changed(LINES, 9, "before"))
    author.cut()
    same = author.commit("fix: same patch", a_txt=changed(author_text(author), 3, "same"))
    other = author.commit("fix: by trailer", b_txt=changed(LINES, 3, "there"))
    assert same
    author.commit("feat: new", keep_c_txt="not a path of the tree\n")
    fix = author.commit("fix(web)!: last", a_txt=changed(author_text(author), 12, "last"))
    author.on_line("same by hand", {"a.txt": changed(changed(LINES, 9, "before"), 3, "same")})
    author.on_line(f"other by hand\n\n(cherry picked from commit {other})", {"b.txt": changed(LINES, 3, "resolved")})
    found = listed(context)
    assert [(each.title, each.is_fix) for each in found] == [("fix(web)!: last", True), ("feat: new", False)]
    assert (found[0].sha, found[0].author, found[0].files) == (fix, "Release Person", ("a.txt",))


def author_text(author: Author) -> str:
    return (author.path / "a.txt").read_text()


def test_a_revert_on_the_line_makes_it_a_candidate_again(context: Context, author: Author) -> None:
    author.cut()
    fix = author.commit("fix: it", a_txt=changed(LINES, 3, "mended"))
    picks.pick(again(context), line="0.7", wanted=PickRequest(commit=(fix,)))
    assert titles(context) == []
    head = remote(context).head_sha(BRANCH)
    author.on_line(f"Revert\n\nThis reverts commit {head}.", {"a.txt": LINES})
    assert titles(context) == ["fix: it"]


def test_filters_by_day_and_path(context: Context, author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    author.cut()
    for day, name in (("2026-10-31", "a_txt"), ("2026-11-01", "b_txt"), ("2026-11-02", "a_txt")):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{day}T12:00:00+0000")
        author.commit(f"{name} of {day}", **{name: f"{day}\n"})
    assert titles(context, since="2026-11-01") == ["a_txt of 2026-11-02", "b_txt of 2026-11-01"]
    assert titles(context, path=("a.txt",)) == ["a_txt of 2026-11-02", "a_txt of 2026-10-31"]
    assert titles(context, path=("a.txt",), since="2026-11-01T13:00:00") == ["a_txt of 2026-11-02"]
    with pytest.raises(Usage, match="--since yesterday"):
        titles(context, since="yesterday")


@pytest.mark.slow
def test_labels_are_one_search_with_all_its_pages(context: Context, sandbox: Sandbox, author: Author) -> None:
    author.cut()
    for number in range(1, 131):
        sha = commit(author.path, f"Change {number} (#{number})", {f"{number}.txt": "x\n"})
        merged(sandbox, number, sha, labels=["backport me"] if number % 5 else ["else"])
    git(author.path, "commit", "-q", "--allow-empty", "-m", "without a pull request")
    author.push()
    found = listed(context, label=("backport me",))
    assert [each.pull for each in found] == [number for number in range(130, 0, -1) if number % 5]
    searches = [each for each in sandbox.github.requests if each.path.endswith("/search/issues")]
    assert len(searches) == 2
    asked = again(context)
    show_candidates(asked, SEVEN, Listing(True, label=("none such",)))
    assert "no pull request is named by 1 commit:" in printed(asked)
    with pytest.raises(Usage, match="quotes"):
        listed(context, label=('a"b',))


def merged(sandbox: Sandbox, number: int, sha: str, labels: list[str] | None = None, head: str = "") -> Pull:
    """Have the sandbox's GitHub remember a pull request merged as this commit."""
    hub = sandbox.github.hub
    pull = Pull(number, f"Change {number}", "", "releaser", f"topic-{number}", "main", head or sha, f"{sha}~1")
    pull.state, pull.merge_sha, pull.labels = "closed", sha, labels or []
    pull.merged_at = pull.closed_at = pull.created_at
    hub.pulls[number] = pull
    return pull


def test_the_pull_request_of_a_merge_is_that_of_its_commits(context: Context, author: Author) -> None:
    author.cut()
    git(author.path, "checkout", "-q", "-b", "side")
    commit(author.path, "side 1", {"b.txt": "1\n"})
    commit(author.path, "side 2", {"b.txt": "2\n"})
    git(author.path, "checkout", "-q", "main")
    commit(author.path, "squashed (#8)", {"a.txt": "8\n"})
    git(author.path, "merge", "-q", "--no-ff", "-m", "Merge pull request #7 from acme/side", "side")
    author.push()
    assert {each.title: each.pull for each in listed(context)} == {"side 1": 7, "side 2": 7, "squashed (#8)": 8}


def test_json_is_one_object_a_line_with_whole_values(context: Context, author: Author) -> None:
    author.cut()
    sha = author.commit("fix: \x1b[31mred (#5)", a_txt="red\n")
    one = again(context)
    one.report = Report("json", one.report.stream)
    picks.pick(one, line="0.7", listing=Listing(candidates=True))
    (found,) = map(json.loads, printed(one).splitlines())
    who, when = git(author.path, "show", "-s", "--format=%an%n%aI", sha).splitlines()
    told = {"sha": sha, "pull": 5, "title": "fix: \x1b[31mred (#5)", "author": who, "files": ["a.txt"], "fix": True}
    assert found == {**told, "date": when}
    text = again(context)
    picks.pick(text, line="0.7", listing=Listing(candidates=True))
    assert sha[:9] in printed(text)
    assert "\x1b" not in printed(text)  # S4


def test_the_table_names_two_files_of_a_commit_and_how_many_more(context: Context, author: Author) -> None:
    author.cut()
    author.commit("fix: two (#5)", a_txt="1\n", b_txt="1\n")
    author.commit("feat: three", a_txt="2\n", b_txt="2\n", c_txt="2\n")
    asked = again(context)
    found = show_candidates(asked, SEVEN, Listing(True))
    head, _, three, two, end = (re.split(r" {2,}", text.strip()) for text in printed(asked).split("\n") if text.strip())
    day = found[0].date[:10]
    assert head == ["commit", "pull", "title", "author", "date", "files"]
    assert three == [found[0].sha[:9], "feat: three", "Release Person", day, "a.txt, b.txt, +1"]
    assert two == [found[1].sha[:9], "#5", "fix", "fix: two (#5)", "Release Person", day, "a.txt, b.txt"]
    assert end == [f"2 on main and not on {BRANCH}"]


def test_no_letter_of_a_title_author_or_path_hides_a_commit(context: Context, author: Author) -> None:
    """A title with a record separator hid its commit, an author's name with a unit separator moved every field on."""
    author.cut()
    git(author.path, "config", "user.name", "Some\x1fbody")
    title, names = "fix: \x1e one \x1f more", ("one\x1fmore.txt", "two\nlines.txt")
    sha = commit(author.path, title, dict.fromkeys(names, "x\n"))
    author.push()
    (found,) = listed(context, since="2020-01-01")
    assert (found.sha, found.title, found.author, found.files) == (sha, title, "Some\x1fbody", names)


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("Merge pull request #12 from acme/x", 12),
        ("fix: it (#7)", 7),
        ("fix: it (#7) again", 0),
        ("Revert #7", 0),
        ("(#1) (#22)", 22),
    ],
)
def test_a_title_names_its_pull_request(title: str, number: int) -> None:
    assert pull_number(title) == number


# --- pull requests become commits ---


def pulled(context: Context, number: str) -> list[str]:
    """Return what a pull request became, by what the world says of it."""
    heads = [
        RemoteRef(name, remote(context).head_sha(name[11:]) or "", "")
        for name in ("refs/heads/main", f"refs/heads/{BRANCH}")
    ]
    need_history(repository(context), heads)
    return [each.sha for each in requested_picks(again(context), PickRequest(pr=(number,)), *heads)]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_pull_request_is_found_however_it_was_merged(
    context: Context, sandbox: Sandbox, author: Author, method: str
) -> None:
    author.cut()
    git(author.path, "checkout", "-q", "-b", "topic")
    commit(author.path, "topic 1", {"a.txt": changed(LINES, 1, "1")})
    commit(author.path, "topic 2", {"a.txt": changed(changed(LINES, 1, "1"), 2, "2")})
    author.push("refs/heads/topic")
    git(author.path, "checkout", "-q", "main")
    author.commit("meanwhile", b_txt="b\n")
    number = github(context).send("POST", "pulls", {"title": "Topic", "head": "topic", "base": "main", "body": ""})[
        "number"
    ]
    github(context).send("PUT", f"pulls/{number}/merge", {"merge_method": method})
    author.noticed()
    git(author.path, "pull", "-q", "origin", "main")
    author.commit("afterwards", b_txt="c\n")
    head = git(author.path, "rev-parse", "HEAD~1")
    rebased = [git(author.path, "rev-parse", "HEAD~2"), head]
    assert pulled(context, str(number)) == (rebased if method == "rebase" else [head])
    base = sandbox.bare.sha(f"refs/heads/{BRANCH}")
    picks.pick(again(context), line="0.7", wanted=PickRequest(pr=(f"#{number}",)))
    assert sandbox.bare.git("show", f"refs/heads/{BRANCH}:a.txt") == changed(changed(LINES, 1, "1"), 2, "2")
    assert sandbox.bare.git("show", f"refs/heads/{BRANCH}:b.txt") == LINES
    assert int(sandbox.bare.git("rev-list", "--count", f"{base}..refs/heads/{BRANCH}")) == len(
        pulled(context, str(number))
    )


def test_without_github_the_trunks_titles_tell(context: Context, sandbox: Sandbox, author: Author) -> None:
    author.cut()
    squashed = author.commit("fix: it (#3)", a_txt="3\n")
    git(author.path, "checkout", "-q", "-b", "side")
    commit(author.path, "side", {"b.txt": "4\n"})
    git(author.path, "checkout", "-q", "main")
    git(author.path, "merge", "-q", "--no-ff", "-m", "Merge pull request #4 from acme/side", "side")
    author.push()
    merge = git(author.path, "rev-parse", "HEAD")
    sandbox.github.faults.add("GET", "/pulls/", status=403, times=None, body={"message": "no"})
    assert pulled(context, "3") == [squashed]
    assert pulled(context, "4") == [merge]
    newer = author.commit("fix: it again (#3)", a_txt="33\n")
    assert pulled(again(context), "3") == [newer]
    with pytest.raises(Usage, match="no merged pull request #5"):
        pulled(context, "5")


def test_an_open_pull_request_is_none_to_pick(context: Context, author: Author) -> None:
    author.cut()
    git(author.path, "checkout", "-q", "-b", "topic")
    commit(author.path, "topic", {"a.txt": "1\n"})
    author.push("refs/heads/topic")
    github(context).send("POST", "pulls", {"title": "Topic", "head": "topic", "base": "main", "body": ""})
    with pytest.raises(Usage, match="#1 is not merged") as refused:
        pulled(context, "1")
    assert refused.value.hint == f"Merge it into main first: {github(context).get('pulls/1')['html_url']}"
    with pytest.raises(Usage, match="no pull request's number") as refused:
        pull_request_shas(context, "one", RemoteRef("", "", ""))
    assert refused.value.hint == "Give one such as --pr 123."


@pytest.mark.parametrize("told", [{"merged": True}, {"merged_at": "2026-11-22T10:00:00Z"}])
@pytest.mark.parametrize("named", [True, False])
def test_a_merged_pull_request_is_one_by_either_word_and_its_commit_asked_for_where_it_is_not_named(
    context: Context,
    sandbox: Sandbox,
    author: Author,
    told: dict[str, Any],
    named: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    author.cut()
    squashed = author.commit("fix: it (#3)", a_txt="3\n")
    body = {"number": 3, "html_url": "x", **told, **({"merge_commit_sha": squashed} if named else {})}
    sandbox.github.faults.add("GET", "/pulls/3", status=200, body=body)
    sandbox.github.faults.add("GET", "/pulls/3/commits", status=200, body=[])
    asked: list[int] = []
    monkeypatch.setattr(GitHub, "merge_commit", lambda _, number: asked.append(number) or squashed)
    assert pulled(context, "3") == [squashed]
    assert asked == ([] if named else [3])


def test_of_one_that_is_open_no_merge_commit_counts(context: Context, sandbox: Sandbox, author: Author) -> None:
    """GitHub names there the commit that its checks run on."""
    author.cut()
    body = {"number": 3, "html_url": "x", "merged": False, "merged_at": None, "merge_commit_sha": author.commit("a")}
    sandbox.github.faults.add("GET", "/pulls/3", status=200, body=body)
    with pytest.raises(Usage, match="#3 is not merged"):
        pulled(context, "3")


# --- speed ---


@pytest.mark.slow
def test_5000_commits_take_as_many_gits_as_50(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured: 0.3 s on two cores; a Git for each commit would take a minute."""
    started: list[int] = []
    for number in (50, 5_000):
        (tmp_path / str(number)).mkdir()
        repo, head, trunk, theirs = large(tmp_path / str(number), number)
        trace = tmp_path / f"{number}.trace"
        monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))
        assert len(candidates_of(repo, head, trunk)) == number - theirs
        monkeypatch.delenv("GIT_TRACE2_EVENT")
        started.append(trace.read_text().count('"event":"start"'))
    assert started[0] == started[1] > 0


def large(folder: Path, commits: int) -> tuple[Repository, str, str, int]:
    """Write a trunk of that many commits beyond a line that has every 250th of them by another commit."""
    stream = []
    for branch, numbers in (("main", range(commits)), ("line", range(0, commits, 250))):
        for number in numbers:
            when = f"{1_780_000_000 + number} +0000"
            title = f"fix: change {number} (#{number})"
            text = f"change {number}\n"
            start = "" if number else "from refs/heads/base\n"
            stream.append(
                f"commit refs/heads/{branch}\nauthor A <a@example.org> {when}\n"
                f"committer {branch} <b@example.org> {when}\ndata {len(title)}\n{title}\n{start}"
                f"M 100644 inline dir{number % 40}/sub{number % 7}/file{number % 900}.txt\ndata {len(text)}\n{text}\n"
            )
    files = "".join(f"M 100644 inline dir{n % 40}/sub{n % 7}/file{n}.txt\ndata 2\nx\n\n" for n in range(900))
    base = f"commit refs/heads/base\ncommitter A <a@example.org> 1770000000 +0000\ndata 4\nbase\n{files}"
    subprocess.run(["git", "init", "-q", "-b", "main", "."], cwd=folder, check=True)
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input=(base + "".join(stream)).encode(), check=True)
    repo = Repository(folder)
    head, trunk = git(folder, "rev-parse", "refs/heads/line"), git(folder, "rev-parse", "refs/heads/main")
    return repo, head, trunk, len(range(0, commits, 250))
