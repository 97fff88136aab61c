"""A repository served by Git alone, and what was in one, to be put back."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from release.sandbox.git import Bare
from release.sandbox.github.git import git_answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class GitOnly:
    """A WSGI application that has Git answer for repositories, by the paths they are below; what else is passed on."""

    def __init__(self, application: WSGIApplication, repositories: Mapping[str, Bare]) -> None:
        self.application, self.repositories = application, dict(repositories)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer; as GitHub does, ask for credentials first."""
        begin, _, rest = environ["PATH_INFO"].partition(".git/")
        bare = self.repositories.get(begin)
        if bare is None:
            return self.application(environ, start_response)
        if "HTTP_AUTHORIZATION" not in environ:
            return Response(status=401, headers={"WWW-Authenticate": "Basic"})(environ, start_response)
        return git_answer(bare, f"/{rest}", environ, lambda: None)(environ, start_response)


class Saved:
    """The refs of a repository and what is checked out in it, to be put back."""

    def __init__(self, repository: Bare) -> None:
        self._repository, self._refs = repository, repository.refs()
        self._branch = repository.git("symbolic-ref", "HEAD").strip()

    def restore(self) -> None:
        """Put every ref back, and the files and the index of a clone."""
        repository, refs = self._repository, self._repository.refs()
        gone = [f"delete {name}\n" for name in refs.keys() - self._refs.keys()]
        moved = [f"update {name} {sha}\n" for name, sha in self._refs.items() if refs.get(name) != sha]
        if gone or moved:
            repository.git("update-ref", "--no-deref", "--stdin", text="".join(gone + moved))
        if (repository.path / ".git").exists():
            repository.git("symbolic-ref", "HEAD", self._branch)
            repository.git("reset", "--quiet", "--hard")
            repository.git("clean", "--quiet", "-d", "--force")


class Place:
    """A remote and the clone of it that commands run in, each from the same state."""

    def __init__(self, remote: Bare, clone: Bare) -> None:
        self.remote, self.clone = remote, clone
        self.keep()

    def keep(self) -> None:
        """Take what is there now for what each command begins with."""
        self._saved = [Saved(self.remote), Saved(self.clone)]

    def restore(self) -> None:
        """Put back what a command changed."""
        for each in self._saved:
            each.restore()

    @contextmanager
    def branch(self, name: str, files: Mapping[str, str] | None = None) -> Iterator[None]:
        """Begin each command in the block with this branch, pushed, at the trunk's head.

        With `files`, these are committed on it, and it is checked out.
        """
        before = self._saved
        sha = str(self.clone.sha("refs/heads/main"))
        if files is not None:
            changes = [("100644", self.clone.write_blob(text.encode()), path) for path, text in files.items()]
            people = {f"GIT_{who}_{what}": "person@example.com" for who in WHO for what in ("NAME", "EMAIL")}
            tree = self.clone.write_tree(sha, changes)
            sha = self.clone.write_commit(tree, [sha], "Have other tools bump", **people)
            self.clone.git("push", "--quiet", str(self.remote.path), f"{sha}:refs/heads/{name}")
            self.clone.update_ref(f"refs/heads/{name}", sha)
            self.clone.git("checkout", "--quiet", name)
            self.clone.git("config", f"branch.{name}.remote", "origin")
            self.clone.git("config", f"branch.{name}.merge", f"refs/heads/{name}")
        self.remote.update_ref(f"refs/heads/{name}", sha)
        self.clone.update_ref(f"refs/remotes/origin/{name}", sha)
        self.keep()
        try:
            yield
        finally:
            self._saved = before
            self.restore()


WHO = ("AUTHOR", "COMMITTER")


def copy_place(place: Place, folder: Path, url: str) -> Place:
    """Copy both repositories, the clone's remote at `url`."""
    remote, clone = folder / "remote.git", folder / "clone"
    for one, other in ((place.remote.path, remote), (place.clone.path, clone)):
        shutil.copytree(one, other, symlinks=True)
    Bare(clone).git("remote", "set-url", "origin", url)
    Bare(clone).git("update-index", "-q", "--refresh")
    return Place(Bare(remote), Bare(clone))
