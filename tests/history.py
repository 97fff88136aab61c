"""Histories written into a sandbox: a trunk and a release branch for tests of picks, a workflow that changed."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

from release.sandbox import Sandbox

BRANCH = "release-0.7-20261122"
REF = f"refs/heads/{BRANCH}"
LINES = "".join(f"line {number}\n" for number in range(1, 21))
FILES = {"a.txt": LINES, "b.txt": LINES, "keep/c.txt": "c\n", "tasks.py": "from release import namespace\n"}


def git(where: Path, *arguments: str) -> str:
    """Run Git as the sandbox's person; the environment is set by `open_context`."""
    done = subprocess.run(["git", *arguments], cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}{done.stdout}"
    return done.stdout.rstrip("\n")


def commit(where: Path, title: str, files: Mapping[str, str]) -> str:
    """Write the files whole, commit them on what is checked out, and return the commit."""
    for name, text in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text)
        git(where, "add", "--", name)
    git(where, "commit", "-q", "--allow-empty", "-m", title)
    return git(where, "rev-parse", "HEAD")


def changed(text: str, number: int, to: str) -> str:
    """Return the text with one of its lines, counted from 1, replaced."""
    lines = text.splitlines(keepends=True)
    lines[number - 1] = f"{to}\n"
    return "".join(lines)


class Author:
    """Another clone, in which the trunk grows: the user's own stays as it is."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.path = sandbox.folder / "author"
        git(sandbox.folder, "clone", "-q", str(sandbox.bare.path), "author")

    def cut(self) -> str:
        """Cut the release branch at the trunk's head, tagged as the minor."""
        sha = git(self.path, "rev-parse", "HEAD")
        git(self.path, "push", "-q", "origin", f"HEAD:{REF}", "HEAD:refs/tags/0.7.0")
        self.noticed()
        return sha

    def commit(self, title: str, **files: str) -> str:
        """Commit on the trunk and push; `a_txt` is the file a.txt."""
        sha = commit(self.path, title, {name.replace("_", "."): text for name, text in files.items()})
        self.push()
        return sha

    def push(self, to: str = "refs/heads/main") -> None:
        """Push what is checked out."""
        git(self.path, "push", "-q", "origin", f"HEAD:{to}")
        self.noticed()

    def noticed(self) -> None:
        """Have the sandbox's GitHub know these refs without starting anything."""
        hub = self.sandbox.github.hub
        hub.known_refs = hub.bare.refs("refs/heads", "refs/tags")

    def on_line(self, title: str, files: Mapping[str, str]) -> str:
        """Commit on the release branch and push it, as somebody else would."""
        git(self.path, "fetch", "-q", "origin", REF)
        git(self.path, "checkout", "-q", "--detach", "FETCH_HEAD")
        sha = commit(self.path, title, files)
        self.push(REF)
        git(self.path, "checkout", "-q", "main")
        return sha


def snapshot(work: Path) -> dict[str, str]:
    """Return what must stay of a checkout, byte for byte: HEAD, index, files, stash, reflogs, refs, shallow cut (F22).

    Git's memory of the remote's branches is left out: a push moves that on, as it should.
    """
    kept = Path(git(work, "rev-parse", "--absolute-git-dir"))
    common = Path(git(work, "rev-parse", "--path-format=absolute", "--git-common-dir"))
    found = {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(work.rglob("*"))
        if path.is_file() and not path.is_symlink() and ".git" not in path.relative_to(work).parts
    }
    for folder in {kept, common}:
        for name in (
            "HEAD",
            "index",
            "config",
            "shallow",
            "ORIG_HEAD",
            "FETCH_HEAD",
            "packed-refs",
            "CHERRY_PICK_HEAD",
        ):
            path = folder / name
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"
        logs = sorted((folder / "logs").rglob("*")) if (folder / "logs").is_dir() else []
        logs = [path for path in logs if path.is_file() and "remotes" not in path.parts]
        found |= {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in logs}
    refs = git(work, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/stash", "refs/tags")
    listed = git(work, "worktree", "list", "--porcelain").splitlines()
    return {
        **found,
        "refs": refs,
        "stash": git(work, "stash", "list"),
        "status": git(work, "status", "--porcelain"),
        "first": listed[0],
    }


def on_line(sandbox: Sandbox, name: str) -> str:
    """Return a file as it is at the remote's release branch."""
    return sandbox.bare.file(sandbox.bare.sha(REF) or "", name) or ""


def titles(sandbox: Sandbox, since: str) -> list[str]:
    """Return the titles on the remote's release branch beyond a commit, oldest first."""
    return sandbox.bare.git("log", "--reverse", "--format=%s", f"{since}..{REF}").splitlines()


def trunk(sandbox: Sandbox) -> str:
    """Return the commit at the trunk's head on the remote."""
    return sandbox.bare.sha("refs/heads/main") or ""


def cut(sandbox: Sandbox, name: str, at: str = "refs/heads/main") -> str:
    """Put a branch onto the remote, as somebody else would."""
    sha = sandbox.bare.sha(at)
    assert sha
    sandbox.bare.update_ref(f"refs/heads/{name}", sha)
    return sha


def advance(sandbox: Sandbox, branch: str, message: str = "") -> str:
    """Put a commit onto a branch of the remote, as somebody else would."""
    tree = sandbox.bare.git("rev-parse", f"refs/heads/{branch}^{{tree}}").strip()
    sha = sandbox.bare.git(
        "commit-tree", "-p", f"refs/heads/{branch}", "-m", message or f"More on {branch}", tree
    ).strip()
    sandbox.bare.update_ref(f"refs/heads/{branch}", sha)
    return sha


def write_commit(sandbox: Sandbox, branch: str, path: str, old: str, new: str, title: str = "Change") -> str:
    """Put a branch with one file changed onto the remote, on top of the trunk; return its commit."""
    bare, index = sandbox.bare, {"GIT_INDEX_FILE": str(sandbox.folder / "index")}
    text = bare.git("cat-file", "blob", f"refs/heads/main:{path}")
    assert old in text
    blob = bare.git("hash-object", "-w", "--stdin", text=text.replace(old, new)).strip()
    bare.git("read-tree", "refs/heads/main", **index)
    bare.git("update-index", "--cacheinfo", f"100644,{blob},{path}", **index)
    tree = bare.git("write-tree", **index).strip()
    sha = bare.git("commit-tree", tree, "-p", "refs/heads/main", "-m", title).strip()
    bare.update_ref(f"refs/heads/{branch}", sha)
    sandbox.github.hub.known_refs[f"refs/heads/{branch}"] = sha
    return sha


def write_release(sandbox: Sandbox) -> None:
    """Put the release branch and the tag 0.7.0 onto the remote, at the trunk's head; nothing is started by them."""
    sha, known = str(sandbox.bare.sha("refs/heads/main")), sandbox.github.hub.known_refs
    who = "tagger Release Person <person@example.com> 1790000000 +0000"
    text = f"object {sha}\ntype commit\ntag 0.7.0\n{who}\n\nRelease 0.7.0\n"
    written = {REF: sha, "refs/tags/0.7.0": sandbox.bare.git("mktag", text=text).strip()}
    for ref, target in written.items():
        sandbox.bare.update_ref(ref, target)
        known[ref] = target


def edit(sandbox: Sandbox, workflow: str, *edits: tuple[str, str]) -> None:
    """Change a workflow on the trunk."""
    path = sandbox.work / ".github" / "workflows" / workflow
    text = path.read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    person = ("-c", "user.name=Person", "-c", "user.email=person@example.com")
    git(sandbox.work, *person, "commit", "-qam", "Change the workflow")
    git(sandbox.work, "push", "-q", str(sandbox.bare.path), "main")
