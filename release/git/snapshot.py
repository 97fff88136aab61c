"""One look at the remote's refs, shared by every reader of a call, read from the remote alone (F9)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from fnmatch import fnmatchcase

from release.call.context import Activity, Context, View
from release.errors import Usage
from release.git.refs import HEADS, TAGS, RemoteRef
from release.git.repository import FETCH, Repository, repository
from release.versions import check_ref_name


class Snapshot:
    """What the remote had when it was looked at, a part at a time: heads, tags of a line, its HEAD's name.

    What was read is dropped when the call's `activity` goes on: after a write of its own, after a wait. HEAD's name
    is kept: no write here changes it.
    """

    def __init__(self, repo: Repository, activity: Activity) -> None:
        self._repo, self._activity = repo, activity
        self._seen = -1
        self._head_name: str | None = None
        self._heads: dict[str, RemoteRef] | None = None
        self._tags: dict[str, list[RemoteRef]] = {}

    @property
    def head_name(self) -> str:
        """Return the branch that the remote's HEAD names, or nothing when it names none."""
        if self._head_name is None:
            self._look_at_all()
        return self._head_name or ""

    def heads(self) -> dict[str, RemoteRef]:
        """Return the remote's branches by their full names."""
        self._forget_if_old()
        if self._heads is None:
            # With --heads alone a server sends its branches and leaves its tags out.
            self._heads = _parsed(self._repo.git("ls-remote", "--heads", "--", self._repo.remote).splitlines())
        return self._heads

    def tags(self, begin: str = "") -> list[RemoteRef]:
        """Return the remote's tags that begin so, peeled.

        A few are fetched into a namespace of their own, removed again: a server with 100,000 tags sends
        only those asked for, and a local tag is neither read nor touched (F9). A shallow clone lists them:
        a fetch would bring their history, or move the cut, and with --depth it fails where none matches (F10).
        """
        self._forget_if_old()
        if begin not in self._tags:
            if "" not in self._tags and (not begin or self._repo.is_shallow()):
                self._look_at_all()
            if "" in self._tags:
                self._tags[begin] = [ref for ref in self._tags[""] if ref.name.startswith(f"{TAGS}{begin}")]
            else:
                self._tags[begin] = self._fetched_tags(begin)
        return self._tags[begin]

    def _forget_if_old(self) -> None:
        if self._seen != self._activity.changes:
            self._seen, self._heads, self._tags = self._activity.changes, None, {}

    def _look_at_all(self) -> None:
        """Take everything in one listing: the name of HEAD costs that much in any case (Git sends no ref prefix)."""
        self._forget_if_old()
        listed = self._repo.git("ls-remote", "--symref", "--", self._repo.remote).splitlines()
        symbolic = [text.split("\t") for text in listed if text.startswith("ref: ")]
        names = [target.removeprefix("ref: ") for target, name in symbolic if name == "HEAD"]
        self._head_name = next((name.removeprefix(HEADS) for name in names if name.startswith(HEADS)), "")
        refs = _parsed(text for text in listed if not text.startswith("ref: "))
        self._heads = {name: ref for name, ref in refs.items() if name.startswith(HEADS)}
        self._tags = {"": [ref for name, ref in refs.items() if name.startswith(TAGS)]}

    def _fetched_tags(self, begin: str) -> list[RemoteRef]:
        space, repo = f"refs/release/{secrets.token_hex(8)}/", self._repo
        repo.git(*FETCH, "--atomic", "--", repo.remote, f"+refs/tags/{begin}*:{space}tags/{begin}*")
        listed = repo.git("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", space)
        rows = [text.split(" ") for text in listed.splitlines()]
        if rows:
            repo.git("update-ref", "--stdin", stdin="".join(f"delete {name}\n" for name, *_ in rows))
        return [
            RemoteRef(f"refs/{name.removeprefix(space)}", peeled or target, target) for name, target, peeled in rows
        ]


class Remote:
    """The remote as this call sees it: the snapshot, and on top what a dry call would have pushed."""

    def __init__(self, snapshot: Snapshot, view: View) -> None:
        self._snapshot, self._view = snapshot, view

    def heads(self, pattern: str) -> list[RemoteRef]:
        """Return the branches that match the glob `pattern`, such as `release-0.7-*`."""
        found, full = {**self._snapshot.heads(), **self._planned(HEADS)}, f"{HEADS}{pattern}"
        return [ref for name, ref in found.items() if fnmatchcase(name, full) and name.count("/") == full.count("/")]

    def head_sha(self, branch: str) -> str | None:
        """Return the commit of the branch, or None when there is no such branch."""
        check_ref_name(branch)
        found = self._planned(HEADS).get(f"{HEADS}{branch}") or self._snapshot.heads().get(f"{HEADS}{branch}")
        return found.sha if found else None

    def tags(self, line: str = "") -> list[RemoteRef]:
        """Return the tags, peeled: all, or those that begin with `line`."""
        planned = self._planned(f"{TAGS}{line}")
        return [ref for ref in self._snapshot.tags(line) if ref.name not in planned] + list(planned.values())

    def tag(self, name: str) -> RemoteRef | None:
        """Return the tag of exactly this name, or None."""
        check_ref_name(name)
        begin = ".".join(name.split(".")[:2]) + "." if name.count(".") > 1 else name
        return next((ref for ref in self.tags(begin) if ref.name == f"{TAGS}{name}"), None)

    def trunk(self) -> str:
        """Return the branch that HEAD names; raise Usage when it names none."""
        name = self._snapshot.head_name
        if not name:
            raise Usage("the HEAD of the remote names no branch", "Set release.trunk in invoke.yaml.")
        return name

    def _planned(self, begin: str) -> dict[str, RemoteRef]:
        return {ref.name: ref for ref in self._view.all(RemoteRef) if ref.name.startswith(begin)}


def remote(context: Context) -> Remote:
    """Return the remote, looked at once a call and again after each write of our own."""
    repo = repository(context)
    snapshot = context.once(Snapshot, lambda: Snapshot(repo, context.activity))
    return Remote(snapshot, context.view)


def trunk(context: Context) -> str:
    """Return the trunk's name: the setting, or what the remote's HEAD names."""
    return context.settings.release.trunk or remote(context).trunk()


def _parsed(listed: Iterable[str]) -> dict[str, RemoteRef]:
    """Read what ls-remote prints: tags peeled by their line that ends in `^{}`."""
    targets: dict[str, str] = {}
    peeled: dict[str, str] = {}
    for text in listed:
        sha, name = text.split("\t")
        (peeled if name.endswith("^{}") else targets)[name.removesuffix("^{}")] = sha
    return {name: RemoteRef(name, peeled.get(name, target), target) for name, target in targets.items()}
