"""The Git repository around the working directory, and its remote."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, cast

from release.call.context import Context
from release.call.plan import Content, Objects
from release.errors import Conflict, Failed, Usage
from release.git.failures import failure
from release.git.library import git
from release.git.refs import HEADS, TAGS, Push, RemoteRef, printed_lines
from release.git.remotes import api_url, git_header, is_secure, remote_repository, serves, token
from release.git.store import COMMAND, Store
from release.versions import check_commit_name, check_ref_name, check_sha

# Nothing may wait for a keyboard, speak another language, or read a ref in place of a commit.
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": ":", "LC_ALL": "C", "GIT_NO_REPLACE_OBJECTS": "1"}
# With these a hook's Git, or an alias', names its own repository and index to all that it starts, worktrees too (F22).
LOCAL = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")
TABLES = "ref: refs/heads/.invalid"  # what the file HEAD says where refs are kept in tables: Git alone reads those
PAST_CUT = ("--shallow-file", "")  # Git's own switch: read a shallow clone as if it were whole
FETCH = ("fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance",
         "--no-write-commit-graph", "--refmap=", "--quiet")  # fmt: skip
# What a person's Git pushes along, or in place of it: push.followTags, push.recurseSubmodules.
PUSH = ("push", "--no-follow-tags", "--no-recurse-submodules")


class Repository:
    """Read and write the local repository and its remote through Git itself."""

    def __init__(self, path: Path, remote: str = "origin") -> None:
        """Raise Usage when `path` is in no repository, Git is missing, or the remote is not set."""
        for name in LOCAL:
            os.environ.pop(name, None)
        try:
            self._repo = git.Repo(path, search_parent_directories=True)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
            raise Usage(f"no Git repository here: {path.name}", "Change to the repository to release.") from error
        if self._repo.working_tree_dir is None:
            raise Usage("this repository is bare", "Run it in a clone with files.")
        self.root, self.common = Path(self._repo.working_tree_dir), Path(self._repo.common_dir).resolve()
        self._own = Path(self._repo.git_dir)  # of this worktree alone
        self.remote = remote
        self._credentials: dict[str, str] = {}
        self.store = Store(partial(_start_reader, self.root, self._credentials))
        check_ref_name(remote)

    def git(self, *arguments: str, cwd: Path | None = None, stdin: str = "", **variables: str) -> str:
        """Run Git and return what it prints, less the last newline; raise Failed with its own words."""
        printed = self.git_bytes(*arguments, cwd=cwd, stdin=stdin, **variables)
        return printed.decode("utf-8", "surrogateescape").removesuffix("\n")

    def whole(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run Git as `git` does, a shallow clone's cut out of sight: a commit at the cut has its parents again."""
        return self.git(*(PAST_CUT if self.is_shallow() else ()), *arguments, cwd=cwd)

    def git_bytes(self, *arguments: str, cwd: Path | None = None, stdin: str = "", **variables: str) -> bytes:
        """Run Git and return the bytes it prints; raise Failed as `git` does."""
        command, environment = ["git", *arguments], {**QUIET, **self._credentials, **variables}
        with tempfile.TemporaryFile() as source:
            source.write(stdin.encode("utf-8", "surrogateescape"))
            source.seek(0)
            try:
                printed = git.Git(str(cwd or self.root)).execute(
                    command, istream=source, env=environment, stdout_as_string=False, strip_newline_in_stdout=False
                )
            except git.GitCommandNotFound as error:
                raise Usage("Git is not installed", "Install Git 2.31 or newer.") from error
            except git.GitCommandError as error:
                verb = next(word for word in arguments if word[:1] not in ("", "-") and "=" not in word)
                raise failure(verb, str(error.stderr)) from error
        return printed if isinstance(printed, bytes) else str(printed).encode()

    def authenticate(self, token: str, url: str) -> None:
        """Give Git the token for the host of `url` alone, through the environment (S1)."""
        self._credentials |= git_header(token, url, int(os.environ.get("GIT_CONFIG_COUNT") or 0))

    @cached_property
    def remote_url(self) -> str:
        """Return the remote's URL, `insteadOf` applied; raise Usage when there is none."""
        try:
            return self.git("remote", "get-url", "--", self.remote)
        except Failed as error:
            raise Usage(f"this repository has no remote {self.remote}", "Set release.remote in invoke.yaml.") from error

    def extension(self, name: str, default: str) -> str:
        """Return what the repository's own settings say of an extension, such as the kind of names of its objects."""
        return str(self._repo.config_reader("repository").get_value("extensions", name, default)).lower()

    def settings(self) -> list[Path]:
        """Return the files of settings that are this repository's, and this worktree's where it has its own."""
        own = [self._own / "config.worktree"] if self.extension("worktreeConfig", "false") != "false" else []
        return [self.common / "config", *own]

    # --- commits and files ---

    def is_shallow(self) -> bool:
        """Whether this clone lacks history, told as Git tells it: by the file that lists where it was cut."""
        cut = self.common / "shallow"
        return cut.exists() and cut.stat().st_size > 0

    def person(self) -> str:
        """Return who is at work: the name that Git is set to, else whose run of Actions it is."""
        by_default = os.environ.get("GITHUB_ACTOR") or "somebody"
        return self.git("config", "--default", by_default, "--get", "user.name")

    def fetch(self, ref: str) -> None:
        """Bring the objects of the remote's full `ref` (or a sha) here; no ref is written."""
        self.git(*FETCH, "--", self.remote, ref)

    def has_commit(self, sha: str) -> bool:
        """Whether the commit's object is here."""
        check_sha(sha)
        return self.store.sha(f"{sha}^{{commit}}") is not None

    def need_commit(self, sha: str, ref: str = "") -> None:
        """Fetch the commit (by `ref` where the server does not give out bare commits) unless it is here."""
        if not self.has_commit(sha):
            self.fetch(ref or sha)

    def commit_sha(self, ref: str) -> str:
        """Return the full sha of a commit as a person names it (`check_commit_name`); raise Usage for none."""
        check_commit_name(ref)
        sha = self.store.sha(f"{ref}^{{commit}}")
        if sha is None:
            problem = f"{ref} is not a commit, branch or tag, here or on the remote"
            raise Usage(problem, f"If it is a new one: git fetch {self.remote}")
        return sha

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether `ancestor` is `descendant` or in its history, as far as this clone has its objects."""
        cut = PAST_CUT if self.is_shallow() else ()
        return ancestor == descendant or self.succeeds(*cut, "merge-base", "--is-ancestor", ancestor, descendant)

    def file(self, sha: str, path: str) -> bytes | None:
        """Return the file's bytes at the commit, fetched where it is missing, or None when it is not in it."""
        self.need_commit(sha)  # of one that is not here Git says the same as of a file that is not in it
        found = self.store.read([f"{sha}:{path}"])[0]
        return found.content if found else None

    def file_id(self, name: str, path: str) -> str | None:
        """Return the name of the file's object in the commit or tree, or None when it is not in it."""
        return self.store.sha(f"{name}:{path}")

    def holds(self, sha: str, content: Content) -> bool:
        """Whether the commit is what was planned: the same tree, on top of the same commit by no more than planned."""
        self.need_commit(sha)
        if self.store.sha(f"{sha}^{{tree}}") != content.tree:
            return False
        for _ in range(content.commits):
            sha = next(iter(self.parents(sha)), "")
            if sha in ("", content.base):
                break
        return sha == content.base

    def parents(self, sha: str) -> list[str]:
        """Return the commit's parents, first one first, those beyond a shallow clone's cut too."""
        header, _ = self.commit_parts(sha)
        return [line.removeprefix("parent ") for line in header.split("\n") if line.startswith("parent ")]

    def commit_parts(self, sha: str) -> tuple[str, str]:
        """Return the header and the message of the commit's object, fetched where it is missing."""
        self.need_commit(sha)
        header, _, message = self.store.contents([sha])[0].decode("utf-8", "replace").partition("\n\n")
        return header, message

    def changed_paths(self, before: str, after: str) -> list[str]:
        """Return the paths that differ between two commits."""
        return self.git("diff", "--name-only", "--no-renames", "-z", before, after, "--").split("\0")[:-1]

    def refs(self, *patterns: str) -> list[RemoteRef]:
        """Return this clone's refs of those full names, below them, or that match them as globs; tags peeled."""
        listed = self.git("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", *patterns)
        rows = [text.split(" ") for text in printed_lines(listed)]
        return [RemoteRef(name, peeled or target, target) for name, target, peeled in rows]

    def branch(self) -> str | None:
        """Return the checked-out branch's name, or None on a detached HEAD."""
        head = (self._own / "HEAD").read_text(encoding="utf-8", errors="surrogateescape").strip()
        if head == TABLES:
            return self.git("symbolic-ref", "--short", "HEAD") if self.succeeds("symbolic-ref", "HEAD") else None
        return head.removeprefix("ref: ").removeprefix(HEADS) if head.startswith("ref: ") else None

    def head(self) -> str:
        """Return the commit that is checked out."""
        return self.commit_sha("HEAD")

    def changes(self) -> list[str]:
        """Return what `git status` finds in the way of a release: changed, staged and untracked files."""
        return self.git("status", "--porcelain", "--untracked-files=normal").splitlines()

    # --- writes; each is called through ensure ---

    def commit(self, message: str, paths: Sequence[str], tree: Path | None = None) -> str:
        """Commit these tracked files as they stand, by Git itself: hooks and signing count (F24). Return the sha."""
        self.git("commit", "--quiet", "-m", message, "--", *paths, cwd=tree)
        return self.commit_sha(f"worktrees/{tree.name}/HEAD" if tree else "HEAD")

    def fast_forward(self, sha: str) -> None:
        """Move the checked-out branch and its files on to a commit that has it in its history."""
        self.git("merge", "--quiet", "--ff-only", "--no-autostash", sha)

    def make_tag(self, name: str, sha: str, message: str, sign: bool = False) -> str:
        """Write the annotated tag here, signed if asked or if Git is set to; return the tag object's sha.

        A local one at the same commit is taken as it is; one elsewhere raises Conflict and is left alone (F9).
        """
        local = self.local_tag(name)
        if local is None:
            self.git("tag", "--annotate", *(("--sign",) if sign else ()), "-m", message, "--", name, sha)
            return self.store.sha(f"{TAGS}{name}") or ""
        if local.sha != sha:
            problem = f"the local tag {name} is at {local.sha[:9]}, not at {sha[:9]}, and was never pushed"
            raise Conflict(problem, f"Look at it (git show {name}); if it is a leftover: git tag -d {name}")
        return local.target

    def local_tag(self, name: str) -> RemoteRef | None:
        """Return the tag of exactly this name in this clone, or None."""
        check_ref_name(name)
        full = f"{TAGS}{name}"
        # By its full name Git may find a longer one too, so what it finds is looked at; nothing is nothing (F11).
        found = self.refs(full) if self.store.sha(full) else []
        return next((ref for ref in found if ref.name == full), None)

    def delete_local_tag(self, tag: RemoteRef) -> None:
        """Take back a tag made here, if it still is that object."""
        self.git("update-ref", "-d", tag.name, tag.target)

    def keep_tag(self, tag: RemoteRef) -> None:
        """Write the tag here, once the remote has it; one that is here stays."""
        with suppress(Failed):
            self.git("update-ref", tag.name, tag.target, "")

    def push(self, pushes: Sequence[Push]) -> None:
        """Push the refs in one atomic push, each only if the remote has what is expected (F5, F6).

        Raises Conflict when somebody was faster, Failed when a rule or a hook refuses (F13), Unknown when the
        connection broke. It proves nothing: ask the remote again (F8).
        """
        for push in pushes:
            check_ref_name(push.ref)
            check_sha(push.sha)
        leases = [f"--force-with-lease={push.ref}:{push.expected}" for push in pushes]
        specs = [f"{push.sha}:{push.ref}" for push in pushes]
        self.git(*PUSH, "--atomic", *leases, "--", self.remote, *specs)

    def delete_ref(self, ref: str, sha: str) -> None:
        """Delete the remote's ref, of this full name, only if it still names that object; raises as `push` does."""
        check_ref_name(ref)
        check_sha(sha)
        self.git(*PUSH, f"--force-with-lease={ref}:{sha}", "--", self.remote, f":{ref}")

    def succeeds(self, *arguments: str) -> bool:
        """Whether Git ends without an error."""
        try:
            self.git(*arguments)
        except Failed:
            return False
        return True


def _start_reader(root: Path, credentials: Mapping[str, str], words: IO[bytes]) -> Popen[bytes]:
    command, environment = ["git", *COMMAND], {**os.environ, **QUIET, **credentials}
    started = Popen(command, cwd=root, stdin=PIPE, stdout=PIPE, stderr=words, env=environment)
    return cast("Popen[bytes]", git.Git.AutoInterrupt(started, command))  # its Git ends with the last reference to it


def repository(context: Context) -> Repository:
    """Return the repository around the working directory, opened once a call, with the token for its host."""

    def _open() -> Repository:
        repo = Repository(context.folder, context.settings.release.remote)
        context.doors[Objects] = repo
        url = repo.remote_url
        if is_secure(url):
            host, _ = remote_repository(url)
            api = api_url(host)
            if serves(api, host) and token(context, api):
                repo.authenticate(token(context, api), url)
        return repo

    return context.once(repository, _open)
