"""Random histories and random picks, held against plain `git cherry-pick` in a fresh clone."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from history import BRANCH, REF, snapshot
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from release.call.context import Context, Options
from release.call.flags import PickRequest, Resume
from release.call.report import Report
from release.errors import Failed
from release.git.repository import repository
from release.picks.worktree import pick_worktrees
from release.settings import Settings
from release.tasks import picks

GO_ON, ABORT = Resume(continue_=True), Resume(abort=True)
NAMES = ("a.txt", "b.txt", "sub/c d.txt")
TEXT = "".join(f"line {number}\n" for number in range(1, 13))
CHECKOUTS = ("clean", "changed", "staged", "detached", "linked")
RESOLVED = "resolved by hand\n"


def git(where: Path, *arguments: str, ok: bool = True) -> str:
    done = subprocess.run(["git", *arguments], cwd=where, capture_output=True, text=True, check=False)
    assert not ok or done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}{done.stdout}"
    return done.stdout.rstrip("\n") if ok or done.returncode == 0 else "failed"


class Histories(RuleBasedStateMachine):
    """A trunk that grows, a line that gets picks, and a user's checkout that never changes."""

    @initialize(checkout=st.sampled_from(CHECKOUTS))
    def start(self, checkout: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="random picks ")).resolve()
        self.author, self.remote = self.folder / "author", self.folder / "remote.git"
        git(self.folder, "init", "-q", "-b", "main", "author")
        for name in NAMES:
            self.write(name, TEXT)
        self.commit("Start")
        git(self.author, "branch", BRANCH)
        git(self.folder, "clone", "-q", "--bare", "author", "remote.git")
        git(self.author, "remote", "add", "origin", str(self.remote))
        git(self.folder, "clone", "-q", str(self.remote), "the user's")
        self.work = self.dirtied(self.folder / "the user's", checkout)
        self.before = snapshot(self.work)
        self.trunk: list[str] = []
        self.titles = 0

    def dirtied(self, work: Path, checkout: str) -> Path:
        """Bring the checkout into one of the states that a user's may be in."""
        if checkout == "linked":
            git(work, "worktree", "add", "-q", "-b", "topic", str(self.folder / "linked tree"))
            return self.folder / "linked tree"
        if checkout == "detached":
            git(work, "checkout", "-q", "--detach")
        if checkout in ("changed", "staged"):
            (work / "a.txt").write_text("half done\n")
            (work / "new.txt").write_text("new\n")
        if checkout == "staged":
            git(work, "add", "a.txt")
            git(work, "stash", "push", "-q")
            (work / "b.txt").write_text("staged\n")
            git(work, "add", "b.txt")
        return work

    def write(self, name: str, text: str | None) -> None:
        path = self.author / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text)

    def commit(self, title: str) -> str:
        git(self.author, "add", "-A")
        git(self.author, "commit", "-q", "--allow-empty", "-m", title)
        return git(self.author, "rev-parse", "HEAD")

    def grown(self, title: str) -> None:
        self.titles += 1
        self.trunk.append(self.commit(f"{title} {self.titles}"))
        git(self.author, "push", "-q", "origin", "main")

    @rule(name=st.sampled_from(NAMES), line=st.integers(0, 11), word=st.sampled_from(["x", "y", "z"]))
    def change(self, name: str, line: int, word: str) -> None:
        path = self.author / name
        lines = path.read_text().splitlines(keepends=True) if path.exists() else TEXT.splitlines(keepends=True)
        lines[min(line, len(lines) - 1)] = f"{word}\n"
        self.write(name, "".join(lines))
        self.grown(f"Change {name}")

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        self.write(name, None)
        self.grown(f"Remove {name}")

    @rule(name=st.sampled_from(NAMES), line=st.integers(0, 11))
    def merge(self, name: str, line: int) -> None:
        git(self.author, "checkout", "-q", "-b", "side", "HEAD")
        lines = TEXT.splitlines(keepends=True)
        lines[line] = f"merged {self.titles}\n"
        self.write(name, "".join(lines))
        self.commit(f"On the side {self.titles}")
        git(self.author, "checkout", "-q", "main")
        git(self.author, "merge", "-q", "--no-ff", "-m", f"Merge {self.titles}", "side")
        git(self.author, "branch", "-q", "-d", "side")
        self.grown("Empty")
        self.trunk[-1:] = [git(self.author, "rev-parse", "HEAD~1"), self.trunk[-1]]

    @precondition(lambda self: self.trunk)
    @rule(chosen=st.integers(0, 50))
    def picked_by_hand(self, chosen: int) -> None:
        """Somebody picks without -x: the patch alone tells."""
        reference = self.fresh()
        sha = self.trunk[chosen % len(self.trunk)]
        if git(reference, "cherry-pick", "-m1", sha, ok=False) != "failed":
            git(reference, "push", "-q", "origin", f"HEAD:{REF}")
        shutil.rmtree(reference)

    @precondition(lambda self: self.trunk)
    @rule(
        chosen=st.lists(st.integers(0, 50), min_size=1, max_size=5),
        keep_order=st.booleans(),
        resolves=st.booleans(),
        tries=st.booleans(),
    )
    def pick(self, chosen: list[int], keep_order: bool, resolves: bool, tries: bool) -> None:
        typed = list(dict.fromkeys(self.trunk[number % len(self.trunk)] for number in chosen))
        wanted = PickRequest(commit=tuple(typed), keep_order=keep_order, mainline="1")
        head = git(self.remote, "rev-parse", REF)
        tree, conflicts = self.reference(typed if keep_order else [sha for sha in self.trunk if sha in typed], resolves)
        if tries:
            assert self.fails(dry=True, wanted=wanted) == conflicts
            assert git(self.remote, "rev-parse", REF) == head
        stopped = self.fails(wanted=wanted)
        assert stopped == conflicts
        while stopped and resolves:
            self.resolve(pick_worktrees(repository(self.world()))[0].path)
            stopped = self.fails(resume=GO_ON)
        if stopped:
            assert git(self.remote, "rev-parse", REF) == head
            self.fails(resume=ABORT)
        else:
            assert git(self.remote, "rev-parse", f"{REF}^{{tree}}") == tree
        assert pick_worktrees(repository(self.world())) == []

    def world(self, dry: bool = False) -> Context:
        return Context(Settings(), Report(stream=io.StringIO()), Options(dry=dry, yes=True), folder=self.work)

    def fails(self, dry: bool = False, **how: Any) -> bool:
        """Pick, and return whether it ended in a conflict."""
        try:
            picks.pick(self.world(dry), line="0.7", **how)
        except Failed as error:
            if "conflicts on" not in error.problem:
                raise
            return True
        return False

    def resolve(self, tree: Path) -> None:
        for name in git(tree, "diff", "--name-only", "--diff-filter=U", "-z").split("\0"):
            if name:
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                (tree / name).write_text(RESOLVED)
        git(tree, "add", "-A")

    def fresh(self) -> Path:
        reference = self.folder / "reference"
        git(self.folder, "clone", "-q", str(self.remote), "reference")
        git(reference, "checkout", "-q", "--detach", f"origin/{BRANCH}")
        return reference

    def reference(self, shas: list[str], resolves: bool) -> tuple[str, bool]:
        """Return the tree that plain cherry-picks give, one by one, and whether any conflicted."""
        clone = self.fresh()
        marked = git(clone, "cherry", f"origin/{BRANCH}", "origin/main").splitlines()
        same = {text[2:] for text in marked if text.startswith("-")}
        log = git(clone, "log", "--format=%B", f"origin/main..origin/{BRANCH}")
        left = [sha for sha in shas if sha not in same and f"(cherry picked from commit {sha})" not in log]
        conflicts = False
        for sha in left:
            if git(clone, "cherry-pick", "-m1", sha, ok=False) != "failed":
                continue
            if git(clone, "diff", "--name-only", "--diff-filter=U"):
                conflicts = True
                if not resolves:
                    break
                self.resolve(clone)
            if git(clone, "status", "--porcelain", "-uno"):
                git(clone, "-c", "core.editor=true", "cherry-pick", "--continue")
            else:
                git(clone, "cherry-pick", "--skip")
        tree = git(clone, "rev-parse", "HEAD^{tree}")
        shutil.rmtree(clone)
        return tree, conflicts

    @invariant()
    def the_users_checkout_is_the_same(self) -> None:
        if hasattr(self, "before"):
            assert snapshot(self.work) == self.before

    @invariant()
    def no_pick_is_there_twice(self) -> None:
        if hasattr(self, "before"):
            log = git(self.remote, "log", "--format=%B", f"main..{REF}").splitlines()
            trailers = [text for text in log if text.startswith("(cherry picked from commit")]
            assert len(trailers) == len(set(trailers))

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


@pytest.fixture(autouse=True)
def _person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Random\n\temail = random@example.org\n[gc]\n\tauto = 0\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def run(histories: int, steps: int, **more: Any) -> None:
    checks = list(HealthCheck)
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=histories,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=checks,
            **more,
        ),
    )


@pytest.mark.slow
def test_f22_some_random_histories() -> None:
    run(4, 8, derandomize=True)


@pytest.mark.long
def test_f22_500_random_histories() -> None:
    run(500, 12)
