"""Cherry-picks in a worktree of their own: begun, found again, carried on, taken back."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from release.errors import Failed
from release.git.repository import Repository
from release.git.scratch import add_worktree, is_alone
from release.picks.history import pick_sources
from release.versions import Line, parse_line

_NAME = re.compile(r"release-pick-([0-9]+\.[0-9]+)-.+")
BEGUN = "refs/worktree/begun"  # the worktree's own, and gone with it
# git-status(1)'s letters: ours is the line, theirs the pick.
UNMERGED = {
    "DD": "deleted by both", "AA": "added by both", "UU": "changed by both", "AU": "added by the line",
    "UA": "added by the pick", "DU": "deleted on the line", "UD": "deleted by the pick",
}  # fmt: skip


@dataclass(frozen=True)
class PickWorktree:
    """A worktree for picks onto a line; Git's list of worktrees is all that remembers it."""

    path: Path
    line: Line


@dataclass(frozen=True)
class Outcome:
    """What became of picks: the worktree's `head`, the `empty` ones, where it stopped, each conflict's kind by path."""

    head: str
    empty: tuple[str, ...] = ()
    stopped_at: str = ""
    conflicts: Mapping[str, str] = field(default_factory=dict)


def pick_worktrees(repo: Repository, line: Line | None = None) -> list[PickWorktree]:
    """Return the worktrees of picks that stopped, or are going on, in this clone; onto the line, or onto any."""
    listed = repo.git("worktree", "list", "--porcelain").splitlines()
    paths = [Path(text.removeprefix("worktree ")) for text in listed if text.startswith("worktree ")]
    named = [(path, _NAME.fullmatch(path.name)) for path in paths if path.is_dir()]
    found = [PickWorktree(path, parse_line(match[1])) for path, match in named if match]
    return [tree for tree in found if line in (None, tree.line)]


def open_worktree(repo: Repository, line: Line, sha: str) -> PickWorktree:
    """Check the commit out, detached, in a new worktree in the temporary folder; it stays until it is closed."""
    path = Path(tempfile.mkdtemp(prefix=f"release-pick-{line}-")).resolve()
    try:
        add_worktree(repo, path, sha)
        repo.git("update-ref", BEGUN, sha, cwd=path)
    except BaseException:  # a Ctrl-C too: what is left by this name counts as picks that stopped
        shutil.rmtree(path, ignore_errors=True)
        raise
    return PickWorktree(path, line)


def is_pushed(repo: Repository, tree: PickWorktree, head: str) -> bool:
    """Whether picks were made in the worktree, none is left, and the branch whose head this is has them."""
    made, begun = _head(repo, tree.path), _begun(repo, tree.path)
    left = _current_pick(repo, tree.path) or _todo(repo, tree.path)[0]
    return begun not in ("", made) and not left and repo.is_ancestor(made, head)


def is_unused(repo: Repository, tree: PickWorktree, head: str) -> bool:
    """Whether nothing is in the worktree that the branch of this head lacks, and nobody is about to pick in it."""
    left = _current_pick(repo, tree.path) or _todo(repo, tree.path)[0]
    # Killed before it was noted, it may have half of its files, and nobody was told of it.
    changed = _begun(repo, tree.path) and repo.git("status", "--porcelain", cwd=tree.path)
    return not (left or changed) and repo.is_ancestor(_head(repo, tree.path), head) and is_alone(repo)


def close_worktree(repo: Repository, tree: PickWorktree) -> None:
    """Remove the worktree with all that is in it."""
    main = repo.git("worktree", "list", "--porcelain").splitlines()[0].removeprefix("worktree ")
    # Twice: one that was killed while Git made it is locked.
    repo.git("worktree", "remove", "--force", "--force", "--", str(tree.path), cwd=Path(main))


def cherry_pick(
    repo: Repository, path: Path, shas: Sequence[str], mainline: int = 0, options: Sequence[str] = ()
) -> Outcome:
    """Cherry-pick the commits, in this order, in the worktree at `path`; writes commits there alone.

    `options` are Git's own, such as who commits.

    An empty pick is left out. Stops at a conflict, which stays there as Git leaves it. Raises Failed for
    anything else, such as a hook that says no.
    """
    # -x: the trailer by which a pick is known again, whatever became of its patch.
    against = any(len(repo.parents(sha)) > 1 for sha in shas) and mainline
    command = ("-x", *(("--mainline", str(mainline)) if against else ()), *shas)
    return _run_cherry_pick(repo, path, *command, options=options)


def continue_picks(repo: Repository, path: Path, base: str) -> Outcome:
    """Go on with picks onto `base` that stopped, by a conflict or because they were killed.

    Raises Failed where conflict markers are left, or changes that belong to no pick.
    """
    current = _current_pick(repo, path)
    if current:
        conflicts = _conflicts(repo, path)
        if conflicts:
            return Outcome(_head(repo, path), (), current, conflicts)
        _check_no_markers(repo, path)
        return _run_cherry_pick(repo, path, "--continue")
    changed = repo.git("status", "--porcelain", "--untracked-files=no", cwd=path)
    if changed:
        hint = f"Commit them there, or drop them: git -C '{path}' reset --hard. Then run the same again."
        raise Failed(f"{path} has changes that belong to no pick:\n{changed}", hint)
    left, mainline = _rest(repo, path, base)
    # Killed between two picks: the sequencer's state has to go before Git begins anew, the commits made stay.
    if _state(repo, path, "todo") is not None:
        repo.git("cherry-pick", "--quit", cwd=path)
    return cherry_pick(repo, path, left, mainline) if left else Outcome(_head(repo, path))


def transplant_picks(repo: Repository, path: Path, base: str, onto: str) -> Outcome:
    """Put the picks made onto `base` on top of another commit; writes the worktree alone."""
    made = repo.whole("rev-list", "--reverse", f"{base}..HEAD", cwd=path).split()
    repo.git("checkout", "--quiet", "--detach", "--no-recurse-submodules", onto, "--", cwd=path)
    # Their messages say already where each came from.
    return _run_cherry_pick(repo, path, *made) if made else Outcome(onto)


def describe_worktree(repo: Repository, tree: PickWorktree) -> str:
    """Say where the picks in the worktree stand."""
    current = _current_pick(repo, tree.path)
    names = ", ".join(_conflicts(repo, tree.path))
    if current:
        return f"stopped at {current[:9]}" + (f", in conflict: {names}" if names else ", resolved")
    left = _todo(repo, tree.path)[0]
    return f"killed with {len(left)} to go" if left else "killed before the push, or still going on"


def _run_cherry_pick(repo: Repository, path: Path, *command: str, options: Sequence[str] = ()) -> Outcome:
    """Run cherry-pick to its end or to a conflict, leaving out each pick that turns out empty."""
    empty: list[str] = []
    while True:
        try:
            # Staged by Git as it once was resolved, a conflict would be no conflict any more, and nobody have seen it.
            repo.whole("-c", "rerere.autoUpdate=false", *options, "cherry-pick", *command, cwd=path)
        except Failed:
            current, conflicts = _current_pick(repo, path), _conflicts(repo, path)
            plain = "" if current else _refused_plain(repo, path)
            if plain and command[-1] != plain:
                command = ("-x", plain)
                continue
            if current and conflicts:
                return Outcome(_head(repo, path), tuple(empty), current, conflicts)
            # Nothing changed and nothing in conflict is an empty pick; a second time, or else, it is another error.
            if not current or current in empty or repo.git("status", "--porcelain", "-uno", cwd=path):
                raise
            empty.append(current)
            command = ("--skip",)
        else:
            if _refused_plain(repo, path) != command[-1]:
                return Outcome(_head(repo, path), tuple(empty))
            command = ("--continue",)  # drops the one that it was refused


def _refused_plain(repo: Repository, path: Path) -> str:
    """Return the commit that Git is at in a sequence and does not pick for its --mainline: it is no merge.

    Git has one --mainline for all, and takes 1 alone for plain commits. Picked by itself, Git goes on after it.
    """
    listed, mainline = _todo(repo, path)
    return listed[0] if mainline > 1 and listed and len(repo.parents(listed[0])) < 2 else ""


def _conflicts(repo: Repository, path: Path) -> dict[str, str]:
    """Return the paths in conflict, each with how."""
    entries = repo.git("status", "--porcelain", "--untracked-files=no", "--no-renames", "-z", cwd=path).split("\0")
    return {entry[3:]: UNMERGED[entry[:2]] for entry in entries if entry[:2] in UNMERGED}


def _check_no_markers(repo: Repository, path: Path) -> None:
    try:
        repo.git("diff", "--cached", "--check", "HEAD", "--", cwd=path)
        return
    except Failed:
        pass  # it stops at blanks at a line's end too: look for markers alone
    staged = repo.git("diff-index", "--cached", "-z", "HEAD", "--", cwd=path).split("\0")[:-1]
    # What is staged will be committed, whatever stands in the file by now; of a deleted one, nothing.
    found = repo.store.read([entry.split(" ")[3] for entry in staged[::2]])
    texts = {name: b"\n" + stored.content for name, stored in zip(staged[1::2], found, strict=True) if stored}
    marked = ", ".join(name for name, text in texts.items() if b"\n<<<<<<< " in text and b"\n>>>>>>> " in text)
    if marked:
        raise Failed(f"conflict markers are left in {marked}", f"Resolve them in {path}, then run the same again.")


def _rest(repo: Repository, path: Path, base: str) -> tuple[list[str], int]:
    """Return the commits that the sequencer still had to pick, and its mainline.

    Git's own `--continue` drops the commit that it was at when it was killed; what is picked tells instead.
    """
    listed, mainline = _todo(repo, path)
    head = _head(repo, path)
    # The todo lags: Git writes it before a pick, so that what it names first may be picked already.
    picked = pick_sources(repo, f"{base}..{head}")
    left = [sha for sha in listed if sha not in picked]
    safety = _state(repo, path, "abort-safety")
    # A head that moved since the last pick: somebody committed the first of them in words of their own.
    if safety is not None and safety.strip() != head and left[:1] == listed[:1]:
        left = left[1:]
    return left, mainline


def _todo(repo: Repository, path: Path) -> tuple[list[str], int]:
    """Return the commits in the sequencer's list, and its mainline."""
    words = [text.split() for text in (_state(repo, path, "todo") or "").splitlines()]
    short = [line[1] for line in words if line[:1] in (["pick"], ["p"])]
    mainline = re.search(r"^\s*mainline\s*=\s*([0-9]+)", _state(repo, path, "opts") or "", re.M)
    shas = repo.git("rev-parse", *(f"{sha}^{{commit}}" for sha in short)).split() if short else []
    return shas, int(mainline[1]) if mainline else 0


def _begun(repo: Repository, path: Path) -> str:
    """Return the commit that the picks were begun on, or nothing where it was killed before that was noted."""
    try:
        return repo.git("rev-parse", "--verify", "--quiet", BEGUN, cwd=path)
    except Failed:
        return ""


def _current_pick(repo: Repository, path: Path) -> str:
    try:
        return repo.git("rev-parse", "--verify", "--quiet", "CHERRY_PICK_HEAD", cwd=path)
    except Failed:
        return ""


def _head(repo: Repository, path: Path) -> str:
    return repo.git("rev-parse", "HEAD", cwd=path)


def _state(repo: Repository, path: Path, name: str) -> str | None:
    """Return the text of the sequencer's file of this name, or None where Git keeps none."""
    file = path / repo.git("rev-parse", "--git-path", f"sequencer/{name}", cwd=path)
    return file.read_text(encoding="utf-8") if file.exists() else None
