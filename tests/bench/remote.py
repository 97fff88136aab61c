"""A repository served by Git alone, and what was in one, to be put back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
