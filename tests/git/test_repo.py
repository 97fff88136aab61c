"""Git, for real: a remote over HTTP with a token and a hook, and clones of every kind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from release.call.context import Activity, View
from release.call.plan import Content
from release.errors import Conflict, Failed, Unknown, Usage
from release.git.failures import failure
from release.git.objects import tree_with
from release.git.refs import Push, RemoteRef, ref_matches
from release.git.remotes import public_url, remote_repository
from release.git.repository import Repository
from release.git.scratch import worktree
from release.git.snapshot import Look, Remote
from release.picks.history import titles
from release.sandbox import Sandbox
from release.sandbox.github.rules import reject_pushes
from release.versions import check_ref_name

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FILES = {"a.txt": "one\n", "sdk/config.py": 'X = "1"\n'}
BRANCH = "refs/heads/release-0.7-20261122"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(FILES, cloud=False) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def repo(sandbox: Sandbox) -> Repository:
    return Repository(sandbox.work)


def looked(repo: Repository) -> Remote:
    """The remote, looked at anew."""
    return Remote(Look(repo, Activity()), View())


def git(where: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=where, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(where: Path, name: str, text: str = "x\n") -> str:
    (where / name).write_text(text)
    git(where, "add", name)
    git(where, "commit", "-qm", f"Change {name}")
    return git(where, "rev-parse", "HEAD")


def test_f05_refs_that_belong_together_land_together_or_not_at_all(sandbox: Sandbox, repo: Repository) -> None:
    sandbox.bare.git("update-ref", "refs/tags/0.7.0", repo.head())
    sha = commit(sandbox.work, "b.txt")
    with pytest.raises(Conflict):
        repo.push([Push(BRANCH, sha), Push("refs/tags/0.7.0", sha)])
    assert sandbox.bare.sha(BRANCH) is None
    repo.push([Push(BRANCH, sha), Push("refs/tags/0.7.1", sha)])
    assert sandbox.bare.sha(BRANCH) == sandbox.bare.sha("refs/tags/0.7.1") == sha


def test_f06_an_existing_branch_is_not_fast_forwarded(sandbox: Sandbox, repo: Repository) -> None:
    old = repo.head()
    sandbox.bare.git("update-ref", BRANCH, old)
    new = commit(sandbox.work, "b.txt")
    with pytest.raises(Conflict):
        repo.push([Push(BRANCH, new)])
    assert sandbox.bare.sha(BRANCH) == old
    repo.push([Push(BRANCH, new, expected=old)])
    assert sandbox.bare.sha(BRANCH) == new


@pytest.mark.parametrize(
    ("there", "wanted"),
    [("refs/tags/0.7.0/x", "refs/tags/0.7.0"), ("refs/heads/backport", "refs/heads/backport/0.7/abc")],
    ids=["below", "above"],
)
def test_f13_a_name_that_is_in_the_way_is_told_as_that(
    sandbox: Sandbox, repo: Repository, there: str, wanted: str
) -> None:
    """Trying again would never change it: that is no race."""
    sandbox.bare.update_ref(there, str(sandbox.bare.sha("refs/heads/main")))
    with pytest.raises(Conflict, match=there.split("/", 2)[2] + " is there on the remote") as caught:
        repo.push([Push(wanted, repo.head())])
    assert "Run the same again" not in caught.value.hint
    assert wanted not in sandbox.bare.refs()


def test_f07_f13_a_rule_is_told_in_the_servers_words(sandbox: Sandbox, repo: Repository) -> None:
    reject_pushes(sandbox.github.hub, "refs/heads/release-*", "GH013: Repository rule violations found")
    with pytest.raises(Failed, match="GH013") as caught:
        repo.push([Push(BRANCH, repo.head())])
    assert "A rule or a hook" in caught.value.hint
    assert sandbox.bare.sha(BRANCH) is None


def test_f13_a_servers_words_before_the_connection_broke_are_no_refusal(sandbox: Sandbox, repo: Repository) -> None:
    speak_and_cut(sandbox, b"Checking your push, see the rules")
    with pytest.raises(Unknown, match=r"broke during the push(?s:.*)Checking your push"):
        repo.push([Push(BRANCH, repo.head())])


def test_f13_what_a_hook_says_is_not_what_git_met(sandbox: Sandbox, repo: Repository) -> None:
    reject_pushes(sandbox.github.hub, "refs/heads/release-*", "the scan timed out: Authentication failed (index.lock)")
    with pytest.raises(Failed, match=r"refused the push: (?s:.*)the scan timed out"):
        repo.push([Push(BRANCH, repo.head())])


def speak_and_cut(sandbox: Sandbox, words: bytes) -> None:
    """Answer a push with a line of the server's (gitprotocol-pack(5), side band 2), and cut it before any report."""
    whole = sandbox.github.front.application

    def _answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "POST" or not environ["PATH_INFO"].endswith("git-receive-pack"):
            return whole(environ, start_response)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", [("Content-Type", "application/x-git-receive-pack-result")])
        return _part(f"{len(words) + 6:04x}".encode() + b"\x02" + words + b"\n")

    def _part(part: bytes) -> Iterator[bytes]:
        yield part
        raise ConnectionResetError("cut on purpose")

    sandbox.github.front.application = _answer


def test_f08_a_broken_connection_leaves_the_outcome_open(sandbox: Sandbox, repo: Repository) -> None:
    sandbox.github.faults.add("POST", "git-receive-pack", drop=True, times=None)
    with pytest.raises(Unknown, match="the connection broke during the push"):
        repo.push([Push(BRANCH, repo.head())])


def test_f09_remote_refs_come_from_the_remote_alone(sandbox: Sandbox, repo: Repository) -> None:
    sha = repo.head()
    git(sandbox.work, "tag", "-am", "annotated", "0.7.0")
    git(sandbox.work, "tag", "0.7.1")
    assert looked(repo).tags("0.7") == []
    git(sandbox.work, "push", "-q", "origin", "refs/tags/0.7.0", "refs/tags/0.7.1")
    later = commit(sandbox.work, "b.txt")
    git(sandbox.work, "tag", "-f", "0.7.0", later)
    target = sandbox.bare.git("rev-parse", "refs/tags/0.7.0").strip()
    assert looked(repo).tag("0.7.0") == RemoteRef("refs/tags/0.7.0", sha, target)
    assert looked(repo).tag("0.7.1") == RemoteRef("refs/tags/0.7.1", sha, sha)
    assert {ref.name for ref in looked(repo).tags()} == {"refs/tags/0.7.0", "refs/tags/0.7.1"}
    with pytest.raises(Conflict, match="local tag"):
        repo.make_tag("0.7.0", sha, "Release")
    assert git(sandbox.work, "rev-parse", "0.7.0") == later


def test_f09_reading_tags_leaves_no_trace(sandbox: Sandbox, repo: Repository) -> None:
    sandbox.bare.git("update-ref", "refs/tags/0.7.0", repo.head())
    before = git(sandbox.work, "for-each-ref")
    assert looked(repo).tags("0.7")
    assert git(sandbox.work, "for-each-ref") == before
    assert not (sandbox.work / ".git" / "FETCH_HEAD").exists()


def test_f10_every_kind_of_clone_reads_the_same(sandbox: Sandbox, repo: Repository, tmp_path: Path) -> None:
    sha = repo.head()
    for name in ("0.6.9", "0.6.10", "0.7.0"):
        sandbox.bare.git("update-ref", f"refs/tags/{name}", sha)
    later = commit(sandbox.work, "b.txt")
    git(sandbox.work, "push", "-q", "origin", "HEAD:refs/heads/main")
    url = repo.remote_url
    credentials = ["-c", f"http.{sandbox.github.url}/.extraheader=Authorization: Basic {_basic()}"]
    git(tmp_path, *credentials, "clone", "-q", url, "full")
    git(tmp_path, *credentials, "clone", "-q", "--depth=1", "--no-tags", url, "shallow")
    git(tmp_path / "full", "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    git(tmp_path / "full", "checkout", "-q", "--detach")
    answers = []
    for name in ("full", "shallow", "linked"):
        other = Repository(tmp_path / name)
        other.authenticate(os.environ["GITHUB_TOKEN"], url)
        answers.append(
            (looked(other).trunk(), looked(other).head_sha("main"), sorted(r.name for r in looked(other).tags("0.6.")))
        )
    assert answers == [("main", later, ["refs/tags/0.6.10", "refs/tags/0.6.9"])] * 3
    assert not Repository(tmp_path / "shallow").has_commit(sha), "a look brings a shallow clone no history"


def test_f11_a_branch_and_a_tag_of_one_name_are_told_apart(sandbox: Sandbox, repo: Repository) -> None:
    first = repo.head()
    sandbox.bare.git("update-ref", "refs/tags/main", first)
    later = commit(sandbox.work, "b.txt")
    repo.push([Push("refs/heads/main", later, expected=first)])
    assert looked(repo).head_sha("main") == later
    assert (looked(repo).tag("main") or RemoteRef("", "", "")).sha == first


def test_a_branch_whose_name_ends_alike_is_another(sandbox: Sandbox, repo: Repository) -> None:
    sandbox.bare.git("update-ref", "refs/heads/refs/heads/next", repo.head())
    assert looked(repo).head_sha("next") is None


def test_f22_the_worktree_is_apart_and_gone_afterwards(sandbox: Sandbox, repo: Repository) -> None:
    (sandbox.work / "a.txt").write_text("uncommitted\n")
    before = (git(sandbox.work, "status", "--porcelain"), git(sandbox.work, "rev-parse", "HEAD"))
    with worktree(repo, repo.head()) as tree:
        (tree / "a.txt").write_text("two\n")
        sha = repo.commit("Change a", ["a.txt"], tree)
    assert (git(sandbox.work, "status", "--porcelain"), git(sandbox.work, "rev-parse", "HEAD")) == before
    assert git(sandbox.work, "show", f"{sha}:a.txt") == "two"
    assert len(git(sandbox.work, "worktree", "list").splitlines()) == 1
    assert not (repo.common / "worktrees").exists(), "nothing of it is left"


def test_a_path_of_bytes_that_are_no_text_is_told_as_it_is(sandbox: Sandbox, repo: Repository) -> None:
    name, before = os.fsdecode(b"caf\xe9.txt"), repo.head()
    after = commit(sandbox.work, name)
    assert repo.changed_paths(before, after) == [name]
    assert repo.file(after, name) == b"x\n"


def test_f10_a_clone_is_shallow_where_it_was_cut(repo: Repository) -> None:
    cut = repo.common / "shallow"
    cut.touch()
    assert not repo.is_shallow(), "a clone that was deepened to the end may keep an empty list"
    cut.write_text(f"{repo.head()}\n")
    assert repo.is_shallow()


def test_f24_hooks_and_signing_count(sandbox: Sandbox, repo: Repository) -> None:
    hook = sandbox.work / ".git" / "hooks" / "commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ngrep -q Fixes "$1" || { echo "say what it fixes" >&2; exit 1; }\n')
    hook.chmod(0o755)
    (sandbox.work / "a.txt").write_text("two\n")
    with pytest.raises(Failed, match="say what it fixes"):
        repo.commit("Change a", ["a.txt"])
    hook.unlink()
    key = sandbox.home / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name, value in {"gpg.format": "ssh", "user.signingkey": str(key), "commit.gpgsign": "true"}.items():
        git(sandbox.work, "config", name, value)
    sha = repo.commit("Change a", ["a.txt"])
    assert "BEGIN SSH SIGNATURE" in git(sandbox.work, "cat-file", "commit", sha)


def test_f25_a_lock_is_named_and_left(sandbox: Sandbox, repo: Repository) -> None:
    lock = sandbox.work / ".git" / "index.lock"
    lock.touch()
    (sandbox.work / "a.txt").write_text("two\n")
    with pytest.raises(Failed, match=r"index\.lock") as caught:
        repo.commit("Change a", ["a.txt"])
    assert "delete that file" in caught.value.hint
    assert lock.exists()


def test_s01_the_token_is_in_no_argument_file_or_error(sandbox: Sandbox, repo: Repository) -> None:
    token = os.environ["GITHUB_TOKEN"]
    git(sandbox.work, "config", "--unset", f"credential.{sandbox.github.url}.helper")
    repo.authenticate(token, repo.remote_url)
    assert looked(repo).head_sha("main") == repo.head()
    for name in ("config", "HEAD"):
        assert token not in (sandbox.work / ".git" / name).read_text()
    repo.authenticate("wrong-token-value", repo.remote_url)
    with pytest.raises(Usage) as caught:
        looked(repo).head_sha("main")
    assert "wrong-token-value" not in f"{caught.value.message} {caught.value.__cause__}"
    assert _basic("wrong-token-value") not in f"{caught.value.message} {caught.value.__cause__}"


def test_s01_the_token_goes_to_its_host_alone(sandbox: Sandbox, repo: Repository) -> None:
    git(sandbox.work, "config", "--unset", f"credential.{sandbox.github.url}.helper")
    repo.authenticate(os.environ["GITHUB_TOKEN"], "https://github.example/acme/platform.git")
    with pytest.raises(Usage):
        looked(repo).head_sha("main")


def test_a_password_in_the_remotes_url_is_not_shown(sandbox: Sandbox, repo: Repository) -> None:
    git(sandbox.work, "remote", "set-url", "origin", "http://user:hunter2@127.0.0.1:1/acme/platform.git")
    with pytest.raises(Failed) as caught:
        looked(repo).head_sha("main")
    assert "hunter2" not in f"{caught.value.message} {caught.value.__cause__}"
    assert public_url("https://user:hunter2@h/x") == "https://h/x"


@pytest.mark.parametrize("word", ["hunter2", "hun/ter2", "hun@ter2", "@hunter2"])
def test_s01_a_password_of_any_characters_is_not_shown(word: str) -> None:
    said = failure("fetch", f"fatal: unable to access 'https://user:{word}@h.example/a/b/': not found")
    assert "'https://h.example/a/b/'" in said.problem
    assert failure("fetch", "fatal: unable to access 'http://h:80/a@1/': no").problem.endswith("'http://h:80/a@1/': no")


@pytest.mark.parametrize("name", ["--upload-pack=x", "a b", "a..b", "ä", "a\n", "x.lock"])
def test_s03_names_are_checked_before_git_sees_them(repo: Repository, name: str) -> None:
    for call in (
        lambda: Repository(repo.root, name),
        lambda: repo.commit_sha(name),
        lambda: repo.local_tag(name),
        lambda: looked(repo).tag(name),
        lambda: repo.push([Push(name, "0" * 40)]),
        lambda: repo.delete_ref(name, "0" * 40),
    ):
        with pytest.raises(Usage, match="is no name"):
            call()
    assert looked(repo).head_sha(name) is None, "to look it up in the listing gives Git no name"
    with pytest.raises(Usage):
        repo.push([Push(BRANCH, "HEAD")])


@given(st.text("aZ09._/+@#=-", min_size=1, max_size=12) | st.text("a./@l.ock-", min_size=1, max_size=9))
@example("a.lock")
@example("a.lock/b")
@settings(max_examples=300, deadline=None)
def test_s03_what_our_rule_takes_git_takes(name: str) -> None:
    """git-check-ref-format(1) is kept by our own rule, so no process has to be asked: here Git is."""
    try:
        check_ref_name(name)
    except Usage:
        return
    for form in (["--allow-onelevel", name], [f"refs/heads/{name}"], ["--branch", name]):
        subprocess.run(["git", "check-ref-format", *form], check=True, capture_output=True)


@pytest.mark.parametrize(
    "name",
    ["-x", "--upload-pack=x", "ext::sh -c x", "a..b", "^main", "@", "@{-1}", "main@{1}", "HEAD@{1}", ":/Change",
     "HEAD^{tree}", "HEAD^{/x}", "main:a.txt", "ma\0in", "main\n", "HEAD\n", "~1", "", "mai*", "ä"],
)  # fmt: skip
def test_s03_a_commit_is_named_as_people_do_or_not_at_all(sandbox: Sandbox, repo: Repository, name: str) -> None:
    git(sandbox.work, "checkout", "-q", "-b", "other")
    with pytest.raises(Usage, match="is no name"):
        repo.commit_sha(name)


def test_s03_what_people_do_name_is_found(sandbox: Sandbox, repo: Repository) -> None:
    first, second = repo.head(), commit(sandbox.work, "b.txt")
    git(sandbox.work, "tag", "0.7.0", first)
    for name in ("HEAD", "main", "refs/heads/main", second, second[:9], "HEAD~0", "main^0"):
        assert repo.commit_sha(name) == second
    for name in ("HEAD~", "HEAD~1", "main^", "origin/main", "0.7.0", "HEAD^1~0"):
        assert repo.commit_sha(name) == first


ODD = [
    "@scope",
    "tick`y",
    "wei\u2028rd",
    "release-0.7-$(x)",
    "release-0.7-\u2028",
    "-x",
    "a;b",
    "ä",
    "release-0.7-\udcff",
]


def test_s03_names_of_the_remotes_own_stop_nobody_who_reads(sandbox: Sandbox, repo: Repository) -> None:
    """The remote may have any name that Git takes, of bytes that are no text too: such a ref is read, or left alone."""
    sha = repo.head()
    for name in ODD:
        sandbox.bare.git("update-ref", f"refs/heads/{name}", sha)
        sandbox.bare.git("update-ref", f"refs/tags/{name.replace('release-', '')}", sha)
    seen = looked(repo)
    assert {ref.name.removeprefix("refs/heads/") for ref in seen.heads("*")} >= {*ODD, "main"}
    assert seen.head_sha("tick`y") == seen.head_sha("@scope") == sha
    part = looked(repo)
    assert len(part.heads("release-0.7-*")) == 3, "fetched into refs of our own, and taken away"
    assert repo.refs("refs/release/") == []
    assert part.tags("0.7.") == []


def test_a_title_with_a_break_of_pythons_own_is_one_title(sandbox: Sandbox, repo: Repository) -> None:
    git(sandbox.work, "commit", "--allow-empty", "-qm", "one\u2028two\x0cthree")
    assert titles(repo, "--max-count=2", "HEAD")[repo.head()] == "one\u2028two\x0cthree"
    assert len(titles(repo, "--max-count=2", "HEAD")) == 2


def test_s03_a_commit_named_like_an_option_is_no_option(repo: Repository) -> None:
    with pytest.raises(Usage):
        repo.commit_sha("--all")


def test_a_message_that_is_no_utf_8_is_read_with_marks_for_what_cannot_be(sandbox: Sandbox, repo: Repository) -> None:
    tree = repo.git("rev-parse", "HEAD^{tree}")
    raw = f"tree {tree}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\ncaf".encode() + b"\xe9\n\nmore\n"
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        input=raw,
        cwd=sandbox.work,
        capture_output=True,
        check=True,
    )
    header, message = repo.commit_parts(made.stdout.decode().strip())
    assert header.startswith(f"tree {tree}\n")
    assert message == "caf\ufffd\n\nmore\n"


def test_files_are_read_from_the_commit(sandbox: Sandbox, repo: Repository) -> None:
    sha = repo.head()
    (sandbox.work / "sdk" / "config.py").write_text("changed\n")
    assert repo.file(sha, "sdk/config.py") == b'X = "1"\n'
    assert repo.file(sha, "sdk/none.py") is None


def test_no_repository_no_remote(tmp_path: Path, sandbox: Sandbox) -> None:
    with pytest.raises(Usage, match="no Git repository"):
        Repository(tmp_path)
    with pytest.raises(Usage, match="no remote upstream"):
        assert Repository(sandbox.work, "upstream").remote_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/acme/platform.git", ("github.com", "acme/platform")),
        ("https://user:token@github.com/acme/platform", ("github.com", "acme/platform")),
        ("git@github.com:acme/platform.git", ("github.com", "acme/platform")),
        ("ssh://git@ghe.example:22/acme/platform.git", ("ghe.example", "acme/platform")),
        ("http://127.0.0.1:8000/acme/platform.git", ("127.0.0.1:8000", "acme/platform")),
        ("ghe.example:X/toolX.git/", ("ghe.example", "X/toolX")),
    ],
)
def test_a_remote_in_every_spelling(url: str, expected: tuple[str, str]) -> None:
    assert remote_repository(url) == expected


def _basic(token: str = "") -> str:
    import base64

    return base64.b64encode(f"x-access-token:{token or os.environ['GITHUB_TOKEN']}".encode()).decode()


@pytest.mark.parametrize(
    ("pattern", "ref", "value"),
    [
        ("refs/tags/*", "refs/tags/0.7.0", True),
        ("refs/heads/*", "refs/heads/a/b", False),
        ("refs/heads/**", "refs/heads/a/b", False),
        ("refs/heads/**/b", "refs/heads/a/b", True),
        ("refs/heads/**/c", "refs/heads/a/b", False),
        ("refs/heads/**/*", "refs/heads/a/b", True),
        ("refs/heads/**/*", "refs/heads/a", True),
        ("refs/heads/release-*", "refs/heads/release-0.7/x", False),
        ("refs/heads/[mn]ain", "refs/heads/main", True),
        ("refs/heads/main", "refs/heads/main/x", False),
        ("refs/heads/*/x", "refs/heads/main", False),
    ],
)
def test_a_ruleset_s_star_stops_at_a_slash(pattern: str, ref: str, value: bool) -> None:
    assert ref_matches(pattern, ref) is value


def test_a_commit_is_what_was_planned_by_its_tree_and_its_base(repo: Repository) -> None:
    base = repo.head()
    tree = tree_with(repo, base, {"sdk/config.py": b'X = "2"\n'})
    made = commit(repo.root, "sdk/config.py", 'X = "2"\n')
    assert git(repo.root, "rev-parse", f"{made}^{{tree}}") == tree
    assert git(repo.root, "status", "--short") == ""
    assert repo.holds(made, Content(tree, base, 1))
    assert not repo.holds(commit(repo.root, "a.txt", "two\n"), Content(tree, base, 2))
    git(repo.root, "revert", "--no-edit", "HEAD")  # the same files, by two commits more
    assert not repo.holds(repo.head(), Content(tree, base, 1))
    assert repo.holds(repo.head(), Content(tree, base, 3))
    assert not repo.holds(made, Content(tree, repo.head(), 1))
    assert repo.file_id(tree, "sdk/config.py") == repo.file_id(made, "sdk/config.py") is not None
    assert repo.file_id(made, "none") is None
