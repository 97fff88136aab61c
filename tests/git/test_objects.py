"""Files and history of commits, read from Git's own store, in whole clones and in shallow ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from outside import git

from release.call.plan import Content
from release.errors import CouldNotTellError, Failed, Usage
from release.git.fetch import need_history, need_objects
from release.git.objects import existing_paths, files, tree_with
from release.git.refs import RemoteRef, branch_ref
from release.git.remotes import remote_repository
from release.git.repository import Repository
from release.git.scratch import is_alone, scratch
from release.sandbox import Sandbox

FILES = {"a.txt": "one\n", "sdk/config.py": 'X = "1"\n', "sdk/deep/b.txt": "two\n", "sdk-2/c.txt": "three\n"}
TRUNK = "refs/heads/main"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(FILES, cloud=False) as made:
        for name, value in made.environment().items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def repo(sandbox: Sandbox) -> Repository:
    return Repository(sandbox.work)


def commit(repo: Repository, name: str) -> str:
    """Commit a new file, and push it to a branch of the remote."""
    (repo.root / name).parent.mkdir(exist_ok=True)
    (repo.root / name).write_text(f"{name}\n")
    git(repo.root, "add", name)
    git(repo.root, "commit", "-qm", f"Add {name}")
    return repo.head()


def shallow(sandbox: Sandbox, where: Path) -> Repository:
    """Return a clone of the last commit alone."""
    git(where.parent, "clone", "-q", "--depth=1", f"file://{sandbox.bare.path}", str(where))
    return Repository(where)


def test_files_are_those_of_the_commit_at_the_path_alone(repo: Repository) -> None:
    (repo.root / "sdk" / "config.py").write_text("changed, not committed\n")
    sha, all_of_it = repo.head(), {name: text.encode() for name, text in FILES.items()}
    for whole in ("", "."):
        assert files(repo, sha, whole).items() >= all_of_it.items()
    assert files(repo, sha, "./sdk/") == {n: all_of_it[n] for n in ("sdk/config.py", "sdk/deep/b.txt")}
    assert files(repo, sha, "sdk/config.py") == {"sdk/config.py": all_of_it["sdk/config.py"]}
    assert files(repo, sha, "sdk", lambda name: name.endswith(".txt")) == {"sdk/deep/b.txt": b"two\n"}
    assert files(repo, sha, "nowhere") == {}
    assert existing_paths(repo, sha, ["sdk", "./sdk/deep/", "a.txt", "", "b.txt"]) == {
        "sdk",
        "./sdk/deep/",
        "a.txt",
        "",
    }


def test_files_that_are_run_or_have_strange_names_are_read_too(repo: Repository) -> None:
    name = "sdk/ü\n\t x.sh"
    (repo.root / name).write_text("run\n")
    (repo.root / name).chmod(0o755)
    git(repo.root, "add", name)
    git(repo.root, "commit", "-qm", "one that is run")
    assert files(repo, repo.head(), "sdk")[name] == b"run\n"


def test_a_link_or_a_submodule_is_not_followed_and_said_to_be_one(repo: Repository) -> None:
    (repo.root / "sdk" / "link").symlink_to("config.py")
    git(repo.root, "add", "sdk/link")
    git(repo.root, "commit", "-qm", "link")
    with pytest.raises(CouldNotTellError, match=r"^sdk/link is a symbolic link, which is not followed: put the file"):
        files(repo, repo.head(), "sdk", lambda name: False)
    assert "a.txt" in files(repo, repo.head(), "a.txt")
    git(repo.root, "update-index", "--add", "--cacheinfo", f"160000,{repo.head()},sdk-2/sub")
    git(repo.root, "commit", "-qm", "submodule")
    with pytest.raises(CouldNotTellError, match=r"^sdk-2/sub is a submodule, which is not followed"):
        files(repo, repo.head(), "sdk-2")


def test_a_tree_with_other_contents_has_the_rest_and_the_modes_as_they_were(repo: Repository) -> None:
    (repo.root / "a.txt").chmod(0o755)
    git(repo.root, "commit", "-qam", "a.txt is run")
    before = git(repo.root, "status", "--porcelain")
    tree = tree_with(repo, repo.head(), {"a.txt": b"\xff new\n", "sdk/config.py": b""})
    assert git(repo.root, "diff-tree", "-r", "--name-status", "HEAD", tree).split() == [
        "M",
        "a.txt",
        "M",
        "sdk/config.py",
    ]
    assert git(repo.root, "ls-tree", tree, "a.txt").startswith("100755 ")
    assert repo.git_bytes("cat-file", "blob", f"{tree}:a.txt") == b"\xff new\n"
    assert git(repo.root, "status", "--porcelain") == before


def test_what_is_in_the_history_of_what(repo: Repository) -> None:
    first = repo.head()
    second = commit(repo, "b.txt")
    git(repo.root, "checkout", "-q", "--detach", first)
    aside = commit(repo, "c.txt")
    assert repo.is_ancestor(first, second)
    assert repo.is_ancestor(second, second)
    assert not repo.is_ancestor(second, first)
    assert not repo.is_ancestor(aside, second)
    assert repo.parents(second) == [first]
    assert repo.changed_paths(second, aside) == ["b.txt", "c.txt"]
    assert repo.changed_paths(second, first) == ["b.txt"]  # neither is checked out
    assert repo.file(second, "b.txt") == b"b.txt\n"
    assert repo.file(first, "b.txt") is None
    assert repo.file_id(second, "b.txt") == git(repo.root, "rev-parse", f"{second}:b.txt")
    assert repo.file_id(first, "b.txt") is None


def test_a_checkout_goes_on_to_what_has_it_in_its_history_alone(repo: Repository) -> None:
    first = repo.head()
    second = commit(repo, "b.txt")
    git(repo.root, "reset", "-q", "--hard", first)
    aside = commit(repo, "c.txt")
    with pytest.raises(Failed):
        repo.fast_forward(second)
    assert (repo.head(), repo.changes()) == (aside, [])
    git(repo.root, "reset", "-q", "--hard", first)
    git(repo.root, "config", "merge.autoStash", "true")
    (repo.root / "a.txt").write_text("changed\n")
    repo.fast_forward(second)
    assert (repo.head(), repo.branch()) == (second, "main")
    assert (repo.root / "b.txt").read_text() == "b.txt\n"
    assert repo.changes() == [" M a.txt"]
    assert git(repo.root, "stash", "list") == ""


def test_what_is_changed_staged_or_untracked_is_in_the_way(repo: Repository) -> None:
    (repo.root / "new").mkdir()
    (repo.root / "new" / "x.txt").write_text("x")
    (repo.root / "a.txt").write_text("changed\n")
    (repo.root / "sdk" / "config.py").unlink()
    git(repo.root, "add", "sdk/config.py")
    git(repo.root, "config", "status.showUntrackedFiles", "no")
    assert repo.changes() == [" M a.txt", "D  sdk/config.py", "?? new/"]


def test_a_branch_or_none_is_checked_out(repo: Repository) -> None:
    git(repo.root, "checkout", "-q", "-b", "topic/ü")
    assert repo.branch() == "topic/ü"
    git(repo.root, "checkout", "-q", "--detach")
    assert repo.branch() is None


def test_a_planned_commit_is_known_by_its_tree_and_where_it_begins(repo: Repository) -> None:
    base = repo.head()
    commit(repo, "b.txt")
    head = commit(repo, "c.txt")
    tree = git(repo.root, "rev-parse", "HEAD^{tree}")
    assert [repo.holds(head, Content(tree, base, commits)) for commits in (1, 2, 3)] == [False, True, True]
    assert not repo.holds(head, Content(git(repo.root, "rev-parse", f"{base}^{{tree}}"), base, 2))
    assert not repo.holds(head, Content(tree, "f" * 40, 9))


def test_f10_a_shallow_clone_gets_history_and_stays_cut(sandbox: Sandbox, repo: Repository, tmp_path: Path) -> None:
    first = repo.head()
    second = commit(repo, "b.txt")
    git(repo.root, "push", "-q", "origin", "HEAD:refs/heads/main")
    cut = shallow(sandbox, tmp_path / "cut")
    listed = (cut.common / "shallow").read_text()
    assert listed.strip() == second
    assert not cut.has_commit(first)
    need_history(cut, [branch_ref("main", second)])
    assert cut.has_commit(first)
    assert cut.is_ancestor(first, second)
    assert not cut.is_ancestor(second, first)
    assert cut.parents(second) == [first]
    assert cut.whole("log", "-1", "--format=%P", second) == first
    assert (cut.common / "shallow").read_text() == listed
    assert git(cut.root, "for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/main", "refs/remotes/origin/HEAD", "refs/remotes/origin/main",
    ]  # fmt: skip
    assert list(cut.common.glob("release-*")) == []


def test_f10_a_shallow_clone_gets_a_branch_s_history_that_it_has_nothing_of(
    sandbox: Sandbox, repo: Repository, tmp_path: Path
) -> None:
    cut = shallow(sandbox, tmp_path / "cut")
    middle = commit(repo, "b.txt")
    head = commit(repo, "c.txt")
    git(repo.root, "push", "-q", "origin", "HEAD:refs/heads/release-0.7-20261124")
    need_history(cut, [branch_ref("release-0.7-20261124", head)])
    assert cut.is_ancestor(middle, head)


@pytest.mark.parametrize("depth", ["1", ""])
def test_a_tag_s_own_object_is_brought_without_more(
    sandbox: Sandbox, repo: Repository, tmp_path: Path, depth: str
) -> None:
    git(repo.root, "push", "-q", "origin", "HEAD:refs/heads/main")
    commit(repo, "b.txt")
    git(tmp_path, "clone", "-q", *([f"--depth={depth}"] if depth else []), f"file://{sandbox.bare.path}", "cut")
    cut = Repository(tmp_path / "cut")
    refs = []
    for version in ("0.7.0", "0.7.1"):
        sha = commit(repo, f"{version}.txt")
        git(repo.root, "tag", "-am", version, version)
        refs.append(RemoteRef(f"refs/tags/{version}", sha, git(repo.root, "rev-parse", f"refs/tags/{version}")))
    git(repo.root, "push", "-q", "origin", "--tags")
    before = git(cut.root, "for-each-ref")
    need_objects(cut, [branch_ref("main", cut.head()), *refs])
    assert all(cut.store.read([ref.target for ref in refs]))
    assert cut.has_commit(refs[0].sha)
    assert cut.has_commit(git(repo.root, "rev-parse", f"{refs[0].sha}^")) == (not depth)
    assert git(cut.root, "for-each-ref") == before


def test_a_repository_without_files_is_told(sandbox: Sandbox) -> None:
    with pytest.raises(Usage) as caught:
        Repository(sandbox.bare.path)
    assert (caught.value.problem, caught.value.hint) == ("this repository is bare", "Run it in a clone with files.")


def test_a_call_is_alone_unless_another_keeps_something_in_the_clone(repo: Repository) -> None:
    assert is_alone(repo)
    with scratch(repo):
        assert not is_alone(repo)
    assert is_alone(repo)


def test_a_remote_that_names_no_repository_is_told_without_its_password() -> None:
    with pytest.raises(Usage) as caught:
        remote_repository("https://me:secret@example.com/alone")
    assert caught.value.problem == "the remote https://example.com/alone names no GitHub repository"
    assert caught.value.hint == "Set GITHUB_REPOSITORY and GITHUB_API_URL."
