"""What the bench counts and prints is right; how fast anything is, no test says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench.big import Size, grow
from bench.counting import CountingGit
from bench.race import Counts
from bench.remote import Place
from bench.runner import CouldNotRunError, Runner
from bench.tables import Goal, Spread, table

from release.sandbox import Sandbox
from release.sandbox.git import Bare


def test_a_table_has_medians_with_least_and_most() -> None:
    laid_out = table("Seen", ("what", "s"), [("a", Spread([0.3, 0.1, 0.2])), ("longer", 2.0)])
    assert laid_out.splitlines() == [
        "### Seen",
        "",
        "| what   | s                   |",
        "|--------|---------------------|",
        "| a      | 0.200 (0.100–0.300) |",
        "| longer | 2                   |",
    ]


@pytest.mark.parametrize(("measured", "reached"), [(1.5, "yes"), (1.51, "NO")])
def test_a_goal_is_reached_up_to_what_it_says(measured: float, reached: str) -> None:
    assert Goal("a ratio", 1.5, measured).row() == ("a ratio", "≤ 1.5", f"{measured}", reached)


def test_each_git_is_counted_and_what_git_starts_apart(tmp_path: Path) -> None:
    counting = CountingGit(tmp_path / "counting")
    seen = {**os.environ, **counting.environment(os.environ["PATH"])}
    for command in ("git init -q here", "git --git-dir=here/.git -c alias.two='!git version' two"):
        subprocess.run(["sh", "-c", command], cwd=tmp_path, env=seen, check=True, capture_output=True)
    started, processes = counting.take()
    assert [line.split()[0] for line in started] == ["init", "--git-dir=here/.git"]
    assert processes == 3
    assert counting.take() == ([], 0)


def test_counts_name_each_door_in_order() -> None:
    assert Counts(2, 5, {"aws": 5, "git": 8, "looks": 3}).asked == "8 / 0 / 5"


def test_what_a_command_takes_is_its_own_and_its_childrens(tmp_path: Path) -> None:
    with Runner() as runner:
        took = runner.run(["sh", "-c", "exit 0"], tmp_path, dict(os.environ))
        assert took.seconds > 0
        assert 0 < took.memory < 2**26, "this process's own memory is no part of it"
        with pytest.raises(CouldNotRunError, match="exit 3\nno\n"):
            runner.run(["sh", "-c", "echo no; exit 3"], tmp_path, dict(os.environ))


INTERRUPTED = """
import os, signal, sys
from pathlib import Path
from bench.runner import Runner
signal.signal(signal.SIGTERM, signal.default_int_handler)
with Runner() as runner:
    stop = f"echo $$ >id; kill -TERM {os.getpid()}; exec sleep 60"
    runner.run(["sh", "-c", stop], Path.cwd(), dict(os.environ))
"""


def test_a_command_ends_with_the_bench(tmp_path: Path) -> None:
    seen = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=tmp_path, env=seen, capture_output=True, check=False)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "id").read_text()), 0)


@pytest.mark.parametrize("loose", [False, True])
def test_both_repositories_grow_to_the_size(loose: bool) -> None:
    with Sandbox(cloud=False) as sandbox:
        clone = Bare(sandbox.work)
        grow(sandbox.bare, clone, Size(lines=2, patches=3), loose)
        assert sandbox.bare.sha("0.8.2") == sandbox.bare.sha("release-0.8-20261031")
        assert sandbox.bare.kind(sandbox.bare.refs()["refs/tags/0.7.0"]) == "tag"
        assert sandbox.bare.git("fsck", "--connectivity-only") == ""
        tags = sandbox.bare.refs("refs/tags")
        assert len(tags) == 5 + 6
        assert clone.refs("refs/tags") == tags
        assert clone.sha("refs/remotes/origin/main") == clone.sha("main") == sandbox.bare.sha("main")
        assert clone.git("status", "--porcelain") == ""


def test_each_command_begins_in_the_same_state() -> None:
    with Sandbox(cloud=False) as sandbox:
        place, clone = Place(sandbox.bare, Bare(sandbox.work)), Bare(sandbox.work)
        before = sandbox.bare.refs(), clone.refs()
        with place.branch("image-0.7.0", {"tbump.toml": "x"}):
            begun = sandbox.bare.refs(), clone.refs()
            (clone.path / "tbump.toml").write_text("y")
            clone.git("tag", "9.9.9")
            clone.git("push", "-q", str(sandbox.bare.path), "9.9.9", "HEAD~1:refs/heads/new", ":image-0.7.0")
            clone.git("switch", "-q", "-c", "other")
            (clone.path / "left").write_text("")
            place.restore()
            assert (sandbox.bare.refs(), clone.refs()) == begun
            assert (clone.path / "tbump.toml").read_text() == "x"
            assert clone.git("status", "--porcelain", "--branch").splitlines() == [
                "## image-0.7.0...origin/image-0.7.0"
            ]
        assert (sandbox.bare.refs(), clone.refs()) == before
        assert clone.git("status", "--porcelain", "--branch").startswith("## main")
