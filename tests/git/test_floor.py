"""The oldest Git that a release needs: of every command and option, the Git that first had it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from release.audit.checkup import OLDEST_GIT
from release.git.store import COMMAND

ROOM = Path(__file__).parents[2] / "release"
# What came after Git 2.0, by the first release whose documentation has it; the pairs of git_header are 2.31's too.
FIRST = {
    "checkout --no-recurse-submodules": (2, 13), "config --default": (2, 18), "config --type": (2, 18),
    "fetch --atomic": (2, 31), "fetch --no-write-fetch-head": (2, 29), "fetch --refmap": (2, 1),
    "fetch --no-auto-maintenance": (2, 29), "fetch --no-write-commit-graph": (2, 24),
    "ls-remote --symref": (2, 8), "merge --no-autostash": (2, 27),
    "push --atomic": (2, 4), "rev-parse --git-path": (2, 5), "sparse-checkout": (2, 25), "status --no-renames": (2, 18),
    "worktree add": (2, 5), "worktree add --detach": (2, 5), "worktree add --quiet": (2, 19), "worktree list": (2, 7),
    "worktree list --porcelain": (2, 7), "worktree remove": (2, 17), "worktree remove --force": (2, 17),
}  # fmt: skip
OLD = {  # what Git 2.0 has
    "add": "--all",
    "cat-file": "--batch",
    "checkout": "--detach --quiet",
    "cherry-pick": "--quit -x",
    "commit": "--allow-empty --no-edit --no-verify --quiet -m",
    "commit-tree": "-m -p",
    "config": "--get",
    "diff-index": "--cached -z",
    "diff": "--cached --check --diff-filter --name-only --no-renames -z",
    "fetch": "--no-recurse-submodules --no-tags --quiet",
    "for-each-ref": "--format",
    "git": "--git-dir --shallow-file --work-tree -c",
    "hash-object": "--no-filters --stdin -w",
    "log": "--first-parent --format --max-count --name-only --reverse --topo-order -z",
    "ls-files": "--cached --exclude-standard --others -z",
    "ls-remote": "--heads",
    "ls-tree": "--full-tree --name-only -r -z",
    "merge": "--ff-only --quiet --squash",
    "merge-base": "--is-ancestor",
    "push": "--dry-run --force-with-lease --no-follow-tags --no-recurse-submodules --no-verify",
    "remote": "",
    "rev-list": "--cherry-mark --count --first-parent --no-merges --reverse --right-only --topo-order",
    "rev-parse": "--quiet --verify",
    "show": "--format --name-only --no-renames -m -s -z",
    "status": "--porcelain --untracked-files -uno -z",
    "symbolic-ref": "--short",
    "tag": "--annotate --sign -m",
    "update-ref": "-d",
    "verify-tag": "",
    "version": "",
    "write-tree": "",
}
RUNS = ("git", "whole", "git_bytes", "succeeds")
CONSTANTS: Mapping[str, ast.AST] = {
    each.targets[0].id: each.value
    for each in ast.parse((ROOM / "git" / "repository.py").read_text(encoding="utf-8")).body
    if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
}


def asked() -> Iterator[str]:
    """Yield `verb --option` for each that release/ gives to Git, and `git --option` for Git's own."""
    for path in (each for each in ROOM.rglob("*.py") if each.relative_to(ROOM).parts[0] != "sandbox"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            each.targets[0].id: each.value
            for each in ast.walk(tree)
            if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in RUNS:
                yield from _options([word for each in call.args for word in _words(each, {**CONSTANTS, **named})])


def _words(node: ast.AST, named: Mapping[str, ast.AST]) -> Iterator[str]:
    """Yield the words of an argument, in order; what is no constant is a word of no meaning."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(each.value) if isinstance(each, ast.Constant) else "=" for each in node.values)
    elif isinstance(node, ast.Name) and isinstance(named.get(node.id), ast.Tuple):
        yield from _words(named[node.id], {})
    elif isinstance(node, ast.Name):
        yield "="
    else:
        for each in ast.iter_child_nodes(node):
            yield from _words(each, named)


def _options(words: list[str]) -> Iterator[str]:
    verb = next((word for word in words if word and word[0] not in "-=" and "=" not in word), "")
    verb += f" {words[words.index('worktree') + 1]}" if verb == "worktree" else ""
    if verb:
        yield verb
    seen = False
    for word in words:
        seen = seen or word == verb.split(" ")[0]
        if verb and word.startswith("-") and word not in ("-", "--"):
            yield f"{verb if seen else 'git'} {word.partition('=')[0]}"


def _all_asked() -> set[str]:
    return {*asked(), *_options(list(COMMAND))}


def test_every_option_is_as_old_as_the_doctor_says() -> None:
    """A new option is looked up in Git's release notes and entered here; what is above the floor raises it."""
    old = {*OLD, *(f"{verb} {option}" for verb, options in OLD.items() for option in options.split())} - {"git"}
    assert _all_asked() == {*FIRST, *old}
    assert max(FIRST.values()) == OLDEST_GIT


def test_the_oldest_git_is_one_and_the_same_everywhere() -> None:
    said = ".".join(map(str, OLDEST_GIT))
    for path in (ROOM / "audit" / "checkup.py", ROOM / "git" / "repository.py", ROOM.parent / "README.md"):
        assert f"Git {said}" in path.read_text(encoding="utf-8"), path
