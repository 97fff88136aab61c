"""Picks, for real: a remote over HTTP, a trunk that grows elsewhere, and a user's checkout that never changes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import semver
from conftest import FakeClock, Inv, again, open_context, printed
from history import BRANCH, FILES, LINES, REF, Author, changed, commit, git, on_line, snapshot, titles

from release.call.context import Context, Options
from release.call.flags import AFRESH, PickRequest, Resume
from release.errors import Conflict, Failed, Usage
from release.git.repository import repository
from release.git.scratch import scratch
from release.picks import push
from release.picks.history import pick_sources
from release.picks.plans import backport_branch
from release.picks.steps import check_tag_has, pick_commits
from release.picks.worktree import BEGUN, cherry_pick, close_worktree, describe_worktree, is_unused, pick_worktrees
from release.sandbox import Sandbox
from release.sandbox.github.rules import protect, reject_pushes
from release.tasks import picks
from release.versions import Line

GO_ON, ABORT = Resume(continue_=True), Resume(abort=True)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(FILES, cloud=False) as made:
        yield made


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Context:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return open_context(sandbox, monkeypatch)


@pytest.fixture
def author(sandbox: Sandbox, context: Context) -> Author:
    return Author(sandbox)


def do(context: Context, *commits: str, **options: Any) -> Context:
    """Run release.pick as another call, whose waits take no time, and return its context."""
    resume = options.pop("resume", AFRESH)
    fresh = again(context, dry=options.pop("dry", False), clock=FakeClock())
    picks.pick(fresh, line="0.7", wanted=PickRequest(commit=commits, **options), resume=resume)
    return fresh


def resolved(context: Context, author: Author) -> Path:
    """Stop a pick at a conflict and resolve that; return where."""
    author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    with pytest.raises(Failed):
        do(context, fix)
    (tree,) = pick_worktrees(repository(context))
    (tree.path / "a.txt").write_text(changed(LINES, 3, "mended"))
    git(tree.path, "add", "a.txt")
    return tree.path


def test_f22_a_pick_lands_and_the_checkout_is_the_same_byte_for_byte(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    base = author.cut()
    fix = author.commit("fix: one line", a_txt=changed(LINES, 3, "mended"))
    work = sandbox.work
    git(work, "commit", "-q", "--allow-empty", "-m", "Not pushed")
    (work / "a.txt").write_text("stashed\n")
    git(work, "stash")
    (work / "a.txt").write_text("not committed\n")
    (work / "staged.txt").write_text("staged\n")
    git(work, "add", "staged.txt")
    (work / "untracked.txt").write_text("untracked\n")
    before = snapshot(work)
    done = do(context, fix)
    assert snapshot(work) == before
    assert titles(sandbox, base) == ["fix: one line"]
    assert on_line(sandbox, "a.txt") == changed(LINES, 3, "mended")
    assert f"(cherry picked from commit {fix})" in sandbox.bare.git("log", "-1", "--format=%B", REF)
    assert done.report.facts["version"] == "0.7.1"
    assert pick_worktrees(repository(context)) == []


def test_f24_picks_are_signed_where_git_is_set_to_sign(sandbox: Sandbox, context: Context, author: Author) -> None:
    author.cut()
    fix = author.commit("fix: a", a_txt=changed(LINES, 3, "mended"))
    key = sandbox.home / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name, value in {"gpg.format": "ssh", "user.signingkey": str(key), "commit.gpgsign": "true"}.items():
        git(sandbox.work, "config", name, value)
    do(context, fix)
    assert "BEGIN SSH SIGNATURE" in sandbox.bare.git("cat-file", "commit", REF)


def test_f27_the_same_again_is_done_already_and_writes_nothing(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    author.cut()
    fix = author.commit("fix: one line", a_txt=changed(LINES, 3, "mended"))
    do(context, fix)
    head = sandbox.bare.sha(REF)
    for _ in range(2):
        assert "(already)" in printed(do(context, fix))
        assert sandbox.bare.sha(REF) == head
        pushes = [r for r in sandbox.github.requests if r.path.endswith("git-receive-pack") and r.method == "POST"]
        assert len(pushes) == 1


def test_picks_come_in_the_trunks_order_whatever_order_was_typed(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    base = author.cut()
    one = author.commit("one", a_txt=changed(LINES, 3, "one"))
    two = author.commit("two", a_txt=changed(LINES, 3, "two"))
    author.commit("not this", b_txt="other\n")
    three = author.commit("three", a_txt=changed(LINES, 3, "three"))
    do(context, three, one[:9], two)
    assert titles(sandbox, base) == ["one", "two", "three"]


def test_keep_order_picks_in_the_order_typed(sandbox: Sandbox, context: Context, author: Author) -> None:
    base = author.cut()
    one = author.commit("one", a_txt=changed(LINES, 3, "one"))
    two = author.commit("two", b_txt=changed(LINES, 3, "two"))
    do(context, two, one, keep_order=True)
    assert titles(sandbox, base) == ["two", "one"]


def test_what_is_there_by_patch_or_by_trailer_is_said_and_skipped(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    base = author.cut()
    same = author.commit("same patch", a_txt=changed(LINES, 3, "same"))
    resolved = author.commit("resolved otherwise", b_txt=changed(LINES, 3, "there"))
    author.on_line("same patch, by hand", {"a.txt": changed(LINES, 3, "same")})
    trailer = f"by trailer\n\n(cherry picked from commit {resolved})"
    author.on_line(trailer, {"b.txt": changed(LINES, 3, "resolved")})
    done = do(context, same, resolved, base)
    assert titles(sandbox, base) == ["same patch, by hand", "by trailer"]
    assert "by the same patch" in printed(done)
    assert "the branch was cut after it" in printed(done)
    assert printed(done).count("(already)") == 3


def test_a_pick_that_was_reverted_on_the_line_is_picked_again(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    base = author.cut()
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"))
    do(context, fix)
    first = sandbox.bare.sha(REF)
    author.on_line(f'Revert "fix"\n\nThis reverts commit {first}.', {"a.txt": LINES})
    do(context, fix)
    assert titles(sandbox, base) == ["fix", 'Revert "fix"', "fix"]
    assert on_line(sandbox, "a.txt") == changed(LINES, 3, "mended")
    assert "(already)" in printed(do(context, fix))


def test_f22_an_empty_pick_is_an_outcome_of_its_own(sandbox: Sandbox, context: Context, author: Author) -> None:
    author.cut()
    half = author.commit("half of it", a_txt=changed(LINES, 3, "mended"))
    other = author.commit("other", b_txt=changed(LINES, 3, "other"))
    # The line has the change within a bigger one: no patch-id is the same.
    author.on_line("all of it", {"a.txt": changed(changed(LINES, 3, "mended"), 15, "more")})
    head = sandbox.bare.sha(REF) or ""
    done = do(context, half)
    assert "changes nothing" in printed(done)
    assert sandbox.bare.sha(REF) == head
    do(context, half, other)
    assert titles(sandbox, head) == ["other"]


def test_f22_a_merge_commit_needs_its_mainline(sandbox: Sandbox, context: Context, author: Author) -> None:
    base = author.cut()
    git(author.path, "checkout", "-q", "-b", "side")
    commit(author.path, "side", {"b.txt": changed(LINES, 5, "side")})
    git(author.path, "checkout", "-q", "main")
    commit(author.path, "main", {"a.txt": changed(LINES, 5, "main")})
    git(author.path, "merge", "-q", "--no-ff", "-m", "Merge side", "side")
    author.push()
    merge = git(author.path, "rev-parse", "HEAD")
    with pytest.raises(Usage, match="is a merge commit") as caught:
        do(context, merge)
    assert "1  " in caught.value.problem
    assert "main" in caught.value.problem
    assert "--mainline" in caught.value.hint
    with pytest.raises(Usage, match="--mainline 3") as caught:
        do(context, merge, mainline="3")
    assert caught.value.hint == "Give a number of this list."
    assert sandbox.bare.sha(REF) == base
    do(context, merge, mainline="1")
    assert titles(sandbox, base) == ["Merge side"]
    assert (on_line(sandbox, "a.txt"), on_line(sandbox, "b.txt")) == (LINES, changed(LINES, 5, "side"))


@pytest.mark.parametrize("conflict", [False, True])
def test_mainline_is_for_the_merges_among_the_commits(
    sandbox: Sandbox, context: Context, author: Author, conflict: bool
) -> None:
    """10-18: `--mainline 2` failed at the plain commits that were picked along."""
    base = author.cut()
    if conflict:
        author.on_line("the line's own", {"c.txt": changed(LINES, 1, "theirs")})
        base = str(sandbox.bare.sha(REF))
    first = author.commit("fix 1", c_txt=changed(LINES, 1, "fix 1"))
    git(author.path, "checkout", "-q", "-b", "side")
    commit(author.path, "side", {"b.txt": changed(LINES, 5, "side")})
    git(author.path, "checkout", "-q", "main")
    commit(author.path, "main", {"a.txt": changed(LINES, 5, "main")})
    git(author.path, "merge", "-q", "--no-ff", "-m", "Merge side", "side")
    merge = git(author.path, "rev-parse", "HEAD")
    last = [author.commit(f"fix {n}", d_txt=f"{n}\n") for n in (2, 3)]
    if conflict:
        with pytest.raises(Failed, match=r"c\.txt"):
            do(context, first, merge, *last, mainline="2")
        (tree,) = pick_worktrees(repository(context))
        (tree.path / "c.txt").write_text("both\n")
        git(tree.path, "add", "c.txt")
        do(context, resume=GO_ON)
    else:
        do(context, first, merge, *last, mainline="2")
    assert titles(sandbox, base) == ["fix 1", "Merge side", "fix 2", "fix 3"]
    # Against its second parent, the side branch, a merge brings what the trunk had.
    assert (on_line(sandbox, "a.txt"), on_line(sandbox, "b.txt")) == (changed(LINES, 5, "main"), LINES)
    assert on_line(sandbox, "d.txt") == "3\n"


@pytest.mark.parametrize("then", ["continued", "left alone"])
def test_f27_f33_a_call_killed_between_its_push_and_its_end_hinders_none(
    sandbox: Sandbox, context: Context, author: Author, then: str
) -> None:
    """10-18: `--continue` after the push had landed ended in exit 2, as if nothing had been picked."""
    base = author.cut()
    resolved(context, author)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("release.picks.worktree.close_worktree", killed)
        with pytest.raises(KeyboardInterrupt):
            do(context, resume=GO_ON)
    landed = sandbox.bare.sha(REF)
    assert titles(sandbox, base) == ["fix: the renamed"]
    if then == "continued":
        assert f"the picks on {REF.removeprefix('refs/heads/')}" in printed(do(context, resume=GO_ON))
        assert sandbox.bare.sha(REF) == landed
    else:
        do(context, author.commit("fix: another", c_txt="c\n"))
        assert titles(sandbox, base) == ["fix: the renamed", "fix: another"]
    assert pick_worktrees(repository(context)) == []


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_a_pick_of_a_pick_was_made_from_is_the_last_it_names(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    base = author.cut()
    fix = author.commit(f"fix: a\n\n(cherry picked from commit {'1' * 40})", a_txt=changed(LINES, 3, "mended"))
    do(context, fix)
    head = str(sandbox.bare.sha(REF))
    assert pick_sources(repository(context), f"{base}..{head}") == {fix: head}


def test_a_version_is_tagged_with_the_picks_or_it_is_a_conflict(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    author.cut()
    fix = author.commit("fix: a", a_txt=changed(LINES, 3, "mended"))
    other = author.commit("fix: b", b_txt=changed(LINES, 3, "mended"))
    do(context, fix)
    picked = str(sandbox.bare.sha(REF))
    author.on_line("more", {"c.txt": "more\n"})
    first, second = semver.Version(0, 7, 1), semver.Version(0, 7, 2)
    check_tag_has(again(context), first, PickRequest(commit=(fix,)))
    sandbox.bare.update_ref(f"refs/tags/{first}", picked)
    sandbox.bare.update_ref(f"refs/tags/{second}", str(sandbox.bare.sha(REF)))
    check_tag_has(again(context), first, PickRequest())
    check_tag_has(again(context), first, PickRequest(commit=(fix,)))
    with pytest.raises(Conflict) as caught:
        check_tag_has(again(context), first, PickRequest(commit=(fix, other)))
    assert caught.value.problem == f"0.7.1 is tagged without {other[:9]} fix: b"
    assert caught.value.hint == "Take the next: inv release.next --line 0.7"
    with pytest.raises(Conflict, match=r"0\.7\.1 is tagged without"):
        pick_commits(again(context), Line(0, 7), PickRequest(commit=(other,)), first)
    check_tag_has(again(context), second, PickRequest(commit=(other,)))  # its head is what was released


def test_a_commit_that_is_not_on_the_trunk_is_asked_about(
    sandbox: Sandbox, context: Context, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = author.cut()
    git(author.path, "checkout", "-q", "-b", "side")
    side = commit(author.path, "side", {"b.txt": changed(LINES, 5, "side")})
    more = commit(author.path, "more", {"c.txt": "more\n"})
    author.push("refs/heads/side")
    git(sandbox.work, "fetch", "-q", "origin", "refs/heads/side")
    with pytest.raises(Usage, match="not on main"):
        do(context, side)
    monkeypatch.setattr(type(context.report), "interactive", property(lambda _: True))
    monkeypatch.setattr(type(context.report), "ask", lambda *_: False)
    with pytest.raises(Usage) as caught:
        do(context, side)
    assert caught.value.problem == "Not confirmed; nothing was written"
    assert caught.value.hint == "Merge it into main first, then pick it from there."
    assert sandbox.bare.sha(REF) == base
    monkeypatch.setattr(type(context.report), "ask", lambda *_: True)
    assert f"not on main: {side[:9]} side, {more[:9]} more\n" in printed(do(context, side, more))
    assert titles(sandbox, base) == ["side", "more"]


def test_a_conflict_tells_the_files_and_what_is_missing(sandbox: Sandbox, context: Context, author: Author) -> None:
    base = author.cut()
    missing = author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    author.commit("unrelated", b_txt="other\n")
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    before = snapshot(sandbox.work)
    with pytest.raises(Failed) as caught:
        do(context, fix)
    (tree,) = pick_worktrees(repository(context))
    assert "a.txt (changed by both)" in caught.value.problem
    assert f"{missing[:9]} feat: rename" in caught.value.problem
    assert "unrelated" not in caught.value.problem
    assert str(tree.path) in caught.value.problem
    there = f"cd {tree.path}; git status; git add --all -- a.txt"
    assert caught.value.hint == (
        f"Resolve it there ({there}), then, back here: inv release.pick --continue --line 0.7\n"
        "Or take the picks back: inv release.pick --abort --line 0.7"
    )
    assert describe_worktree(repository(context), tree) == f"stopped at {fix[:9]}, in conflict: a.txt"
    assert sandbox.bare.sha(REF) == base
    assert snapshot(sandbox.work) == before
    assert git(tree.path, "rev-parse", "CHERRY_PICK_HEAD") == fix


def test_a_conflict_is_resolved_and_continued_to_the_end(sandbox: Sandbox, context: Context, author: Author) -> None:
    base = author.cut()
    author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    later = author.commit("fix: later", b_txt=changed(LINES, 9, "later"))
    before = snapshot(sandbox.work)
    with pytest.raises(Failed):
        do(context, later, fix)
    with pytest.raises(Conflict, match=r"in conflict: a\.txt"):
        do(context, later)
    with pytest.raises(Failed, match=r"a\.txt"):
        do(context, resume=GO_ON)
    (tree,) = pick_worktrees(repository(context))
    git(tree.path, "add", "a.txt")
    with pytest.raises(Failed, match=r"conflict markers are left in a\.txt"):
        do(context, resume=GO_ON)
    (tree.path / "a.txt").write_text(changed(LINES, 3, "mended"))
    git(tree.path, "add", "a.txt")
    assert describe_worktree(repository(context), tree) == f"stopped at {fix[:9]}, resolved"
    trial = do(context, resume=GO_ON, dry=True)
    assert "○" in printed(trial)
    assert trial.report.facts["branch"] == BRANCH
    assert sandbox.bare.sha(REF) == base
    said = printed(do(context, resume=GO_ON)).splitlines()
    assert titles(sandbox, base) == ["fix: the renamed", "fix: later"]
    picked = [f"· pick {sha[:9]} {title}" for sha, title in ((fix, "fix: the renamed"), (later, "fix: later"))]
    assert said[:2] == picked, "11-3: what was pushed is said, and what comes next"
    assert said[-1] == "Then release them: inv release.patch --line 0.7"
    assert on_line(sandbox, "a.txt") == changed(LINES, 3, "mended")
    assert snapshot(sandbox.work) == before
    assert not tree.path.exists()
    assert printed(do(context, fix, later)).count("(already)") == 2
    with pytest.raises(Usage, match="no picks are stopped") as caught:
        do(context, resume=GO_ON)
    assert caught.value.hint == "See what there is to pick: inv release.pick --line 0.7 --candidates"
    with pytest.raises(Usage, match="no picks are stopped") as caught:
        picks.pick(again(context), resume=GO_ON)
    assert caught.value.hint == "See what there is to pick: inv release.pick --candidates"


def test_markers_are_looked_for_in_what_is_staged_and_was_not_there(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    """A file staged with its markers and mended afterwards, but not staged again, was pushed with them."""
    old = f"about conflicts\n<<<<<<< ours\n=======\n>>>>>>> theirs\n{LINES}"
    author.commit("docs", märkers_txt=old)
    base = author.cut()
    author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    mended = changed(LINES, 3, "renamed and mended")
    fix = author.commit("fix: the renamed", a_txt=mended, märkers_txt=f"{old}more\n")
    with pytest.raises(Failed):
        do(context, fix)
    (tree,) = pick_worktrees(repository(context))
    marked = (tree.path / "a.txt").read_text()
    (tree.path / "märkers.txt").write_text(f"{old}{marked}")
    git(tree.path, "add", "--all")
    (tree.path / "a.txt").write_text(changed(LINES, 3, "mended"))
    with pytest.raises(Failed) as caught:
        do(context, resume=GO_ON)
    assert caught.value.problem == "conflict markers are left in a.txt, märkers.txt"
    assert caught.value.hint == f"Resolve them in {tree.path}, then run the same again."
    (tree.path / "märkers.txt").write_text(f"{old}more\n")
    git(tree.path, "add", "--all")
    do(context, resume=GO_ON)
    assert titles(sandbox, base) == ["fix: the renamed"]
    assert on_line(sandbox, "a.txt") == changed(LINES, 3, "mended")


def test_a_path_that_reads_like_a_conflict_is_none(context: Context, author: Author) -> None:
    """git-status(1) prints a renamed file's old name by itself, and this one begins as a conflict does."""
    git(author.path, "mv", "b.txt", "UU b.txt")
    author.commit("named oddly")
    author.cut()
    author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    git(author.path, "mv", "UU b.txt", "b.txt")
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    with pytest.raises(Failed) as caught:
        do(context, fix)
    listed = caught.value.problem.splitlines()
    assert [text for text in listed if text.endswith(")")] == ["  a.txt (changed by both)"]


def test_a_trial_that_conflicts_prints_the_flags_that_pick_what_is_missing(context: Context, author: Author) -> None:
    author.cut()
    one = author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    two = author.commit("feat: again", a_txt=changed(LINES, 3, "renamed again"))
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    with pytest.raises(Failed) as caught:
        do(context, fix, dry=True)
    assert "Earlier on main, touching the same files, not on this line (newest first):" in caught.value.problem
    assert caught.value.hint.endswith(f"first, add: --commit {one[:9]} --commit {two[:9]}")


def test_a_conflict_is_taken_back(sandbox: Sandbox, context: Context, author: Author) -> None:
    base = author.cut()
    author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    before = snapshot(sandbox.work)
    with pytest.raises(Failed):
        do(context, fix)
    (tree,) = pick_worktrees(repository(context))
    do(context, resume=ABORT, dry=True)
    assert tree.path.exists()
    do(context, resume=ABORT)
    assert not tree.path.exists()
    assert "nothing to take back" in printed(do(context, resume=ABORT))
    assert snapshot(sandbox.work) == before
    assert len(git(sandbox.work, "worktree", "list").splitlines()) == 1
    assert sandbox.bare.sha(REF) == base


def test_what_the_user_commits_or_skips_there_counts(sandbox: Sandbox, context: Context, author: Author) -> None:
    base = author.cut()
    author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    again_ = author.commit("fix: once more", a_txt=changed(LINES, 3, "once more"))
    last = author.commit("fix: last", b_txt=changed(LINES, 3, "last"))
    with pytest.raises(Failed):
        do(context, fix, again_, last)
    (tree,) = pick_worktrees(repository(context))
    (tree.path / "a.txt").write_text(changed(LINES, 3, "mended"))
    git(tree.path, "commit", "-qam", "In words of my own")
    with pytest.raises(Failed, match="fix: once more"):
        do(context, resume=GO_ON)
    git(tree.path, "cherry-pick", "--skip")
    do(context, resume=GO_ON)
    assert titles(sandbox, base) == ["In words of my own", "fix: last"]


@pytest.mark.parametrize("left", ["as it was", "nothing", "one", "changes"])
def test_a_killed_pick_is_found_explained_and_continued(
    sandbox: Sandbox, context: Context, author: Author, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    """Git's own --continue would leave the commit out that it was at when it was killed."""
    base = author.cut()
    author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    renamed = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    shas = [author.commit(f"fix {n}", c_txt=f"fix {n}\n") for n in range(4)]
    with pytest.raises(Failed):
        do(context, renamed, *shas)
    (tree,) = pick_worktrees(repository(context))
    (tree.path / "a.txt").write_text(changed(LINES, 3, "mended"))
    git(tree.path, "add", "a.txt")
    with killed_at(sandbox, "fix 1"), pytest.raises(Failed):
        do(context, resume=GO_ON)
    with pytest.raises(Conflict, match=r"killed with 3 to go|stopped at") as caught:
        do(context, *shas)
    assert str(tree.path) in caught.value.problem
    for lock in Path(git(tree.path, "rev-parse", "--absolute-git-dir")).glob("*.lock"):
        with pytest.raises(Failed, match=r"lock"):
            do(context, resume=GO_ON)
        assert lock.exists()
        lock.unlink()
    if left == "nothing":
        git(tree.path, "reset", "-q", "--hard")
    if left == "one":
        git(tree.path, "reset", "-q", "--hard")
        git(tree.path, "cherry-pick", "-x", shas[1])
    if left == "changes":
        git(tree.path, "reset", "-q")
        with pytest.raises(Failed, match="belong to no pick") as caught:
            do(context, resume=GO_ON)
        assert "reset --hard" in caught.value.hint
        git(tree.path, "reset", "-q", "--hard")
    do(context, resume=GO_ON)
    assert titles(sandbox, base) == ["fix: the renamed", "fix 0", "fix 1", "fix 2", "fix 3"]


@contextmanager
def killed_at(sandbox: Sandbox, message: str) -> Iterator[None]:
    """Stop Git for good within the commit of this message, as a machine that loses power does."""
    hook = sandbox.work / ".git" / "hooks" / "prepare-commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\ngrep -q "{message}" "$1" && kill -9 $PPID\nexit 0\n')
    hook.chmod(0o755)
    yield
    hook.unlink()


def test_f27_f33_what_was_picked_by_a_killed_call_is_picked_anew_by_the_next(
    sandbox: Sandbox, context: Context, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a conflict waits for a person: picks that were killed ended in exit 3, up to two calls of somebody's."""
    base = author.cut()
    shas = [author.commit(f"fix {n}", c_txt=f"fix {n}\n") for n in range(3)]
    with killed_at(sandbox, "fix 1"), monkeypatch.context() as patched:
        patched.setattr("release.git.scratch._remove", lambda *_: None)
        with pytest.raises(Failed):
            do(context, *shas)
    assert len(git(sandbox.work, "worktree", "list").splitlines()) == 2
    do(context, *shas)
    assert titles(sandbox, base) == ["fix 0", "fix 1", "fix 2"]
    assert len(git(sandbox.work, "worktree", "list").splitlines()) == 1


def test_f22_a_pick_of_the_person_s_own_is_none_in_the_worktree(context: Context, author: Author) -> None:
    """What stops in the checkout has nothing to do with what is apart from it."""
    author.cut()
    resolved(context, author)
    repo, (tree,) = repository(context), pick_worktrees(repository(context))
    head = git(tree.path, "rev-parse", "HEAD")
    git(tree.path, "cherry-pick", "--abort")
    git(context.folder, "update-ref", "CHERRY_PICK_HEAD", "HEAD")
    assert describe_worktree(repo, tree) == "killed before the push, or still going on"
    assert is_unused(repo, tree, head)
    git(context.folder, "update-ref", "-d", "CHERRY_PICK_HEAD")
    assert is_unused(repo, tree, head)


def test_f33_a_worktree_that_git_locked_while_it_made_it_is_removed(context: Context, author: Author) -> None:
    author.cut()
    path = resolved(context, author)
    (tree,) = pick_worktrees(repository(context))
    git(context.folder, "worktree", "lock", str(path))
    close_worktree(repository(context), tree)
    assert not path.exists()
    assert pick_worktrees(repository(context)) == []


def test_f33_a_worktree_that_nothing_was_picked_in_goes_unless_somebody_is_about_to(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    from release.picks.worktree import open_worktree

    base = author.cut()
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"))
    half = open_worktree(repository(context), Line(0, 7), base).path
    git(half, "update-ref", "-d", BEGUN)
    (half / "a.txt").unlink()  # killed while it was made
    with scratch(repository(context)), pytest.raises(Conflict, match="still going on"):
        do(context, fix)
    do(context, fix)
    assert titles(sandbox, base) == ["fix"]
    assert pick_worktrees(repository(context)) == []
    open_worktree(repository(context), Line(0, 7), base)
    with pytest.raises(Usage, match="nothing had been picked"):
        do(context, resume=GO_ON)


def test_a_conflict_that_git_resolves_as_once_before_is_one_to_look_at(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    author.cut()
    git(sandbox.work, "config", "rerere.enabled", "true")
    git(sandbox.work, "config", "rerere.autoUpdate", "true")
    path = resolved(context, author)
    (fix,) = git(path, "rev-parse", "CHERRY_PICK_HEAD").split()
    git(path, "rerere")
    do(context, resume=ABORT)
    with pytest.raises(Failed, match="conflicts on"):
        do(context, fix)
    (tree,) = pick_worktrees(repository(context))
    git(tree.path, "add", "a.txt")
    do(context, resume=GO_ON)
    assert on_line(sandbox, "a.txt") == changed(LINES, 3, "mended")


def test_f25_a_lock_that_a_killed_git_left_is_named_and_stays(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    author.cut()
    tree = resolved(context, author)
    lock = Path(git(tree, "rev-parse", "--absolute-git-dir")) / "index.lock"
    lock.touch()
    with pytest.raises(Failed, match=r"index\.lock") as caught:
        do(context, resume=GO_ON)
    assert "delete that file" in caught.value.hint
    assert lock.exists()
    lock.unlink()
    do(context, resume=GO_ON)
    assert on_line(sandbox, "a.txt") == changed(LINES, 3, "mended")


def test_a_trial_really_picks_and_leaves_nothing(sandbox: Sandbox, context: Context, author: Author) -> None:
    base = author.cut()
    author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    fine = author.commit("fix: fine", b_txt=changed(LINES, 9, "fine"))
    before = snapshot(sandbox.work)
    with pytest.raises(Failed, match=r"a\.txt") as caught:
        do(context, fix, dry=True)
    assert "trial" in caught.value.hint
    shown = printed(do(context, fine, dry=True))
    assert f"pick {fine[:9]} fix: fine (to do)" in shown
    assert "at a new commit (to do)" in shown
    assert pick_worktrees(repository(context)) == []
    assert snapshot(sandbox.work) == before
    assert sandbox.bare.sha(REF) == base
    planning = again(context, dry=True, asking=True)
    picks.pick(planning, line="0.7", wanted=PickRequest(commit=(fix,)))
    assert "resolve a conflict" in printed(planning)


def test_somebody_else_pushed_meanwhile(
    sandbox: Sandbox, context: Context, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = author.cut()
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"))

    def late(*picks: Any) -> Any:
        monkeypatch.setattr("release.picks.plans.cherry_pick", cherry_pick)
        author.on_line("theirs", {"b.txt": "theirs\n"})
        return cherry_pick(*picks)

    monkeypatch.setattr("release.picks.plans.cherry_pick", late)
    with pytest.raises(Conflict, match="somebody pushed") as caught:
        do(context, fix)
    assert caught.value.code == 3
    assert titles(sandbox, base) == ["theirs"]
    do(context, fix)
    assert titles(sandbox, base) == ["theirs", "fix"]


def test_somebody_else_pushed_while_a_conflict_was_resolved(sandbox: Sandbox, context: Context, author: Author) -> None:
    base = author.cut()
    resolved(context, author)
    author.on_line("theirs", {"b.txt": "theirs\n"})
    do(context, resume=GO_ON)
    assert titles(sandbox, base) == ["theirs", "fix: the renamed"]
    assert on_line(sandbox, "a.txt") == changed(LINES, 3, "mended")
    assert sandbox.bare.git("log", "-1", "--format=%B", REF).count("cherry picked from") == 1


def test_f13_a_protected_branch_is_said_with_the_servers_words(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    base = author.cut()
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"))
    protect(sandbox.github.hub, "refs/heads/release-*", pull_request={"required_approving_review_count": 0})
    assert "is protected (pull request)" in printed(do(context, fix, dry=True))
    with pytest.raises(Failed, match="Changes must be made through a pull request") as caught:
        do(context, fix)
    assert "is protected" in caught.value.problem
    assert "--via-pr" in caught.value.hint
    assert sandbox.bare.sha(REF) == base
    assert pick_worktrees(repository(context)) == []


def test_f13_another_rule_is_told_as_it_is(sandbox: Sandbox, context: Context, author: Author) -> None:
    author.cut()
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"))
    reject_pushes(sandbox.github.hub, "refs/heads/release-*", "the moon is full")
    with pytest.raises(Failed, match="the moon is full"):
        do(context, fix)


def test_f23_the_line_finds_the_branch_whatever_its_date(sandbox: Sandbox, context: Context, author: Author) -> None:
    sandbox.bare.git("update-ref", "refs/heads/release-0.7-20240229", author.cut())
    sandbox.bare.git("update-ref", "-d", REF)
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"))
    do(context, fix)
    assert sandbox.bare.git("log", "-1", "--format=%s", "refs/heads/release-0.7-20240229").strip() == "fix"


def test_f10_f22_shallow_linked_detached_and_with_a_space(
    sandbox: Sandbox, context: Context, author: Author, tmp_path: Path
) -> None:
    base = author.cut()
    author.commit("other", b_txt=changed(LINES, 19, "other"))
    shas = [author.commit(f"fix {n}", a_txt=changed(LINES, n * 4, f"fix {n}")) for n in (1, 2, 3)]
    url = repository(context).remote_url
    helper = [
        "-c",
        f"credential.{sandbox.github.url}.helper=!f() {{ echo username=x; echo password=$GITHUB_TOKEN; }}; f",
    ]
    git(tmp_path, *helper, "clone", "-q", "--depth=1", "--no-tags", url, "shallow clone")
    git(tmp_path, *helper, "clone", "-q", url, "full clone")
    git(tmp_path / "full clone", "worktree", "add", "-q", "--detach", str(tmp_path / "linked tree"))
    for name, sha in zip(("shallow clone", "linked tree", "full clone"), reversed(shas), strict=True):
        before = snapshot(tmp_path / name)
        there = Context(context.settings, again(context).report, Options(yes=True), folder=tmp_path / name)
        picks.pick(there, line="0.7", wanted=PickRequest(commit=(sha[:10],)))
        assert snapshot(tmp_path / name) == before
    assert titles(sandbox, base) == ["fix 3", "fix 2", "fix 1"]
    assert "other" not in on_line(sandbox, "b.txt")


def test_a_conflict_in_a_depth_1_clone_is_continued_there(
    sandbox: Sandbox, context: Context, author: Author, tmp_path: Path
) -> None:
    base = author.cut()
    author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    last = author.commit("fix: last", b_txt=changed(LINES, 3, "last"))
    helper = [
        "-c",
        f"credential.{sandbox.github.url}.helper=!f() {{ echo username=x; echo password=$GITHUB_TOKEN; }}; f",
    ]
    git(tmp_path, *helper, "clone", "-q", "--depth=1", repository(context).remote_url, "shallow")
    before = snapshot(tmp_path / "shallow")
    there = Context(context.settings, again(context).report, Options(yes=True), folder=tmp_path / "shallow")
    with pytest.raises(Failed, match="feat: rename"):
        picks.pick(there, line="0.7", wanted=PickRequest(commit=(fix, last)))
    (tree,) = pick_worktrees(repository(there))
    (tree.path / "a.txt").write_text(changed(LINES, 3, "mended"))
    git(tree.path, "add", "a.txt")
    picks.pick(again(there), resume=GO_ON)
    assert titles(sandbox, base) == ["fix: the renamed", "fix: last"]
    assert snapshot(tmp_path / "shallow") == before


def test_two_lines_may_wait_at_once(sandbox: Sandbox, context: Context, author: Author) -> None:
    sandbox.bare.git("update-ref", "refs/heads/release-0.6-20260901", author.cut())
    author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    for line in ("0.6", "0.7"):
        with pytest.raises(Failed):
            picks.pick(again(context), line=line, wanted=PickRequest(commit=(fix,)))
    with pytest.raises(Usage, match="2 lines are stopped") as caught:
        picks.pick(again(context), resume=ABORT)
    ways = (f"inv release.pick --continue --line {line}" for line in ("0.6", "0.7"))
    assert caught.value.hint == f"Go on with one: {' or '.join(ways)}"
    picks.pick(again(context), line="0.6", resume=ABORT)
    picks.pick(again(context), resume=ABORT)
    assert pick_worktrees(repository(context)) == []


def test_a_hook_that_says_no_is_no_conflict(sandbox: Sandbox, context: Context, author: Author) -> None:
    author.cut()
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"))
    hook = sandbox.work / ".git" / "hooks" / "prepare-commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no such messages >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Failed, match="cherry-pick"):
        do(context, fix)
    assert pick_worktrees(repository(context)) == []


def test_nobody_agreed_so_nothing_is_picked(sandbox: Sandbox, context: Context, author: Author) -> None:
    base = author.cut()
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"))
    with pytest.raises(Usage, match="Not confirmed; nothing was written"):
        picks.pick(again(context, yes=False), line="0.7", wanted=PickRequest(commit=(fix,)))
    assert sandbox.bare.sha(REF) == base
    assert pick_worktrees(repository(context)) == []


def test_asked_for_nothing_or_for_what_is_not_there(context: Context, author: Author) -> None:
    author.cut()
    with pytest.raises(Usage, match="which commits") as caught:
        do(context)
    assert "--candidates" in caught.value.hint
    with pytest.raises(Usage, match="abcdef1 is not a commit"):
        do(context, "abcdef1")
    with pytest.raises(Usage, match="no release branch"):
        picks.pick(again(context), line="0.9", wanted=PickRequest(commit=("abc",)))


@pytest.mark.slow
def test_typed_at_a_prompt(sandbox: Sandbox, author: Author, inv: Inv) -> None:
    base = author.cut()
    author.commit("feat: rename", a_txt=changed(LINES, 3, "renamed"))
    fix = author.commit("fix: the renamed", a_txt=changed(LINES, 3, "renamed and mended"))
    two = author.commit("two", b_txt=changed(LINES, 3, "two"))
    three = author.commit("three (#3)", b_txt=changed(changed(LINES, 3, "two"), 9, "three"))
    listed = inv("release.pick", "--candidates", "--line", "0.7", "--json", "--path", "b.txt")
    assert [json.loads(text)["sha"] for text in listed.stdout.splitlines()] == [three, two]
    refused = inv("release.pick", "--line", "0.7", "--commit", two, code=2)
    assert "--yes" in refused.stderr
    inv("release.pick", "--line", "0.7", "--pr", "3", "--commit", two[:8], "--yes")
    assert titles(sandbox, base) == ["two", "three (#3)"]
    stopped = inv("release.pick", "--line", "0.7", "--commit", fix, "--yes", code=1)
    assert "inv release.pick --continue" in stopped.stderr
    inv("release.pick", "--continue", "--yes", code=1)
    inv("release.pick", "--line", "0.7", "--commit", fix, "--yes", code=3)
    inv("release.pick", "--abort", "--yes")
    assert "nothing to take back" in inv("release.pick", "--abort", "--yes").stdout


# --- by a pull request ---


def backport(context: Context, author: Author, *commits: str, amend: str = "", extra: str = "") -> str:
    """Push the picks' backport branch as somebody else would, with more in the pick's commit or in one on top."""
    plan = push.pick_plan(again(context), Line(0, 7), PickRequest(commit=commits, via_pr=True))
    git(author.path, "fetch", "-q", "origin", REF)
    git(author.path, "checkout", "-q", "--detach", "FETCH_HEAD")
    git(author.path, "cherry-pick", "-x", "-Xtheirs", *commits)
    if amend:
        (author.path / amend).write_text("foreign\n")
        git(author.path, "add", amend)
        git(author.path, "commit", "-q", "--amend", "--no-edit")
    if extra:
        commit(author.path, extra, {"a.txt": "foreign\n"})
    name = f"refs/heads/{backport_branch(plan)}"
    author.push(name)
    git(author.path, "checkout", "-q", "main")
    return name


def test_picks_that_stopped_go_on_by_a_pull_request(sandbox: Sandbox, context: Context, author: Author) -> None:
    base = author.cut()
    path = resolved(context, author)
    planned = do(context, resume=GO_ON, dry=True)
    assert planned.report.facts == {"branch": BRANCH, "version": "0.7.1"}
    assert f"then push {BRANCH} (to do)" in printed(planned)
    picks.pick(again(context, dry=True), line="0.7.1", resume=GO_ON)  # a version is of its line
    done = do(context, resume=GO_ON, via_pr=True)
    (pull,) = sandbox.github.hub.pulls.values()
    assert (pull.title, pull.base) == ("Backport to 0.7: fix: the renamed", BRANCH)
    assert pull.merged_at
    assert titles(sandbox, base)[-1] == f"Merge pull request #{pull.number} from acme/{pull.head}"
    assert on_line(sandbox, "a.txt") == changed(LINES, 3, "mended")
    assert sandbox.bare.sha(f"refs/heads/{pull.head}") is None
    assert not path.exists()
    assert done.report.facts["sha"] == sandbox.bare.sha(REF)


MORE_FOREIGN = ({"amend": "a.txt"}, {"amend": "d.txt"}, {"extra": "(cherry picked from commit {})"})


@pytest.mark.parametrize("conflict", [False, True])
@pytest.mark.parametrize(
    "foreign",
    [{}, {"extra": "mine"}, *(pytest.param(each, marks=pytest.mark.slow) for each in MORE_FOREIGN)],
)
def test_f15_a_backport_branch_holds_the_picks_asked_for_alone(
    sandbox: Sandbox, context: Context, author: Author, foreign: dict[str, str], conflict: bool
) -> None:
    """10-17: a commit without a trailer, or other changes under the right one, passed as these picks alone."""
    author.cut()
    if conflict:
        author.on_line("the line's own", {"a.txt": changed(LINES, 3, "theirs")})
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"), b_txt=changed(LINES, 3, "mended"))
    name = backport(context, author, fix, **{key: text.format(fix) for key, text in foreign.items()})
    head = sandbox.bare.sha(name)
    if not foreign or (conflict and foreign == {"amend": "a.txt"}):  # there the resolution itself, for a reviewer
        do(context, fix, via_pr=True)
        assert [pull.head_sha for pull in sandbox.github.hub.pulls.values()] == [head]
        assert sandbox.bare.sha(name) is None
        return
    with pytest.raises(Conflict, match="holds other commits than these picks"):
        do(context, fix, via_pr=True)
    assert sandbox.github.hub.pulls == {}
    assert sandbox.bare.sha(name) == head


def test_a_trial_by_a_pull_request_shows_each_step_and_writes_none(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    base = author.cut()
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"))
    said = printed(do(context, fix, via_pr=True, dry=True))
    name = f"backport/0.7/{fix[:9]}"
    assert f"branch {name} with 1 pick (to do)" in said
    assert f"pull request {name} → {BRANCH}: Backport to 0.7: fix (to do)" in said
    assert f"merge pull request #… at a new commit into {BRANCH} (to do)" in said
    assert (sandbox.bare.sha(REF), sandbox.bare.sha(f"refs/heads/{name}")) == (base, None)
    assert sandbox.github.hub.pulls == {}


def test_f17_a_reverted_pick_goes_by_a_second_pull_request(sandbox: Sandbox, context: Context, author: Author) -> None:
    """10-17: the merged pull request of the same branch name was adopted, and nothing could be picked again."""
    base = author.cut()
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"))
    do(context, fix, via_pr=True)
    picked = sandbox.bare.git("rev-list", "--no-merges", "-n1", f"{base}..{REF}").strip()
    author.on_line(f"Revert fix\n\nThis reverts commit {picked}.", {"a.txt": LINES})
    do(context, fix, via_pr=True)
    assert len(sandbox.github.hub.pulls) == 2
    assert on_line(sandbox, "a.txt") == changed(LINES, 3, "mended")


def test_f33_a_backport_branch_left_by_a_kill_after_the_merge_goes_with_the_next(
    sandbox: Sandbox, context: Context, author: Author
) -> None:
    author.cut()
    fix = author.commit("fix", a_txt=changed(LINES, 3, "mended"))
    do(context, fix, via_pr=True)
    (pull,) = sandbox.github.hub.pulls.values()
    sandbox.bare.update_ref(f"refs/heads/{pull.head}", pull.head_sha)
    do(context, fix, via_pr=True)
    assert sandbox.bare.sha(f"refs/heads/{pull.head}") is None
    assert len(sandbox.github.hub.pulls) == 1
