"""One look at the remote's refs, shared by every reader of a call, read from the remote alone (F9)."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from functools import partial

from release.call.context import Activity, Context, View
from release.errors import Usage
from release.git.fetch import remote_refs
from release.git.refs import BURNED, HEADS, TAGS, WITHDRAWN, Refs, RemoteRef, ref_matches
from release.git.repository import Repository, repository
from release.versions import check_ref_name

_LINE = re.compile(rf"(?:{HEADS}release-|{TAGS}|{BURNED}|{WITHDRAWN})([0-9]+\.[0-9]+)[-.]")
_HEAD = re.compile(rf"^ref: {HEADS}(.*)\tHEAD$", re.MULTILINE)
PEELED = "^{}"
FEW = 1_000  # refs: to list them all once more is one process, and less than a fetch


class Look:
    """What is out there: looked at a part at a time (all, the branches, a line's), once until the call writes or waits.

    A push takes what was seen along as a lease: an old look can refuse, but never overwrite.
    """

    def __init__(self, repo: Repository, activity: Activity) -> None:
        self._repo, self._activity, self._seen = repo, activity, -1
        self._looking = threading.RLock()  # threads share it: one looks, the others wait for that
        self._head_name: str | None = None  # kept: no write here changes it
        self._parts: dict[str, Refs] = {}  # each by what the full names of all its refs begin with
        self._known: list[Refs] = []  # of the looks before the last write or wait
        self._lists = False  # this call asks for all tags: one listing then is less than a look at each part

    def refs(self, begin: str) -> Refs:
        """Return the part that has the refs whose full names begin so."""
        with self._looking:
            if self._seen != self._activity.changes:
                self._forget()
            if self._part(begin) is None:
                self._look_at(begin)
            return self._part(begin) or Refs({}, {})

    def head_name(self) -> str:
        """Return the name of the branch that HEAD names, or nothing."""
        with self._looking:
            if self._head_name is None:
                self._look_at_all()
            return self._head_name or ""

    def _forget(self) -> None:
        self._known = list(self._parts.values()) or self._known
        self._lists = self._lists and sum(map(len, self._known)) <= FEW
        self._seen, self._parts = self._activity.changes, {}

    def _part(self, begin: str) -> Refs | None:
        return next((refs for known, refs in self._parts.items() if begin.startswith(known)), None)

    def _look_at(self, begin: str) -> None:
        """Look at as little as tells all that begin so: a server may have 100,000 tags."""
        # A shallow clone lists: a fetch would bring history, or move the cut; with --depth it fails for none (F10).
        line, shallow = _LINE.match(begin), self._repo.is_shallow()
        self._lists = self._lists or begin in (TAGS, BURNED, WITHDRAWN, "refs/")
        if self._lists:
            self._look_at_all()
        elif line and not shallow:
            # What a line has is asked for together, and its branch's commits are needed next in any case.
            parts = (f"{HEADS}release-{line[1]}-", *(f"{kind}{line[1]}." for kind in (TAGS, BURNED, WITHDRAWN)))
            self._fetch([part for part in parts if self._part(part) is None])
        elif begin.startswith(HEADS) and not line:
            # With --heads alone a server sends its branches and leaves its tags out.
            self._parts[HEADS] = _parse(self._repo.git("ls-remote", "--heads", "--", self._repo.remote))
        elif shallow:
            self._look_at_all()
        else:
            self._fetch([begin])

    def _look_at_all(self) -> None:
        """Take everything in one listing: the name of HEAD costs that much in any case (Git sends no ref prefix)."""
        self._seen = self._activity.changes  # before it asks: what another thread writes meanwhile may not be in it
        listing = self._repo.git("ls-remote", "--symref", "--", self._repo.remote)
        named = _HEAD.search(listing)
        self._head_name = named[1] if named else ""
        self._parts = {"refs/": _parse(listing)}

    def _fetch(self, parts: list[str]) -> None:
        """Fetch these parts alone; what was seen of them before, else this clone's own refs, spares Git the history."""
        known = [ref for refs in self._known for part in parts for ref in refs.begin(part)] or self._own(parts)
        found = remote_refs(self._repo, parts, known)
        for part in parts:
            there = [ref for ref in found if ref.name.startswith(part)]
            self._parts[part] = Refs({ref.name: ref.target for ref in there}, {ref.name: ref.sha for ref in there})

    def _own(self, parts: list[str]) -> list[RemoteRef]:
        """Return this clone's refs of those names, and its trunk."""
        tracking = f"refs/remotes/{self._repo.remote}/"
        names = [part.replace(HEADS, tracking, 1) for part in parts]
        return self._repo.refs(*(f"{name}*" for name in names), f"{tracking}HEAD")


class Remote:
    """The remote's refs as this call sees them, and on top what a dry call would have pushed."""

    def __init__(self, look: Look, view: View, see: Callable[[str, Mapping[str, str]], None] = lambda *_: None) -> None:
        self._look, self._view, self._see = look, view, see

    def heads(self, pattern: str) -> list[RemoteRef]:
        """Return the branches that match the glob `pattern`, such as `release-0.7-*`."""
        full = f"{HEADS}{pattern}"
        found = self._refs(full.partition("*")[0])
        return [ref for ref in found if ref_matches(full, ref.name)]

    def head_sha(self, branch: str) -> str | None:
        """Return the commit of the branch, or None when there is no such branch."""
        found = self._ref(HEADS, branch)
        return found.sha if found else None

    def tags(self, begin: str = "") -> list[RemoteRef]:
        """Return the tags, peeled: all, or those that begin so, such as `0.7.`."""
        return self._refs(f"{TAGS}{begin}")

    def tag_names(self) -> list[str]:
        """Return the short names of all tags: each one's commit may cost more than is asked for."""
        names = [*self._look.refs(TAGS).names(TAGS), *(ref.name for ref in self._planned(TAGS))]
        return [name.removeprefix(TAGS) for name in dict.fromkeys(names)]

    def tags_at(self, sha: str) -> list[RemoteRef]:
        """Return the tags at the commit."""
        there = {ref.name: ref for ref in self._look.refs(TAGS).at(sha, TAGS)}
        return list({**there, **{ref.name: ref for ref in self._planned(TAGS) if ref.sha == sha}}.values())

    def burned(self, begin: str = "") -> list[RemoteRef]:
        """Return what is noted of the names that are burned (F35): all, or of those that begin so."""
        return self._refs(f"{BURNED}{begin}")

    def withdrawn(self, begin: str = "") -> list[RemoteRef]:
        """Return what is noted of the versions that were taken back: all, or those that begin so."""
        return self._refs(f"{WITHDRAWN}{begin}")

    def tag(self, name: str) -> RemoteRef | None:
        """Return the tag of exactly this name, or None."""
        check_ref_name(name)  # it is asked for by its name; a branch is looked up in their listing
        return self._ref(TAGS, name)

    def look_at_all(self) -> None:
        """Look at everything in one listing, for a call that needs all tags, or HEAD's name, in any case."""
        self._look.refs("refs/")

    def trunk(self) -> str:
        """Return the branch that HEAD names; raise Usage when it names none."""
        name = self._look.head_name()
        if not name:
            raise Usage("the HEAD of the remote names no branch", "Set release.trunk in invoke.yaml.")
        return name

    def _refs(self, begin: str) -> list[RemoteRef]:
        """Return the refs whose full names begin so; what a dry call planned stands for what is there."""
        there = self._look.refs(begin).begin(begin)
        if _LINE.match(begin):  # a plan rests on what its line has; other lines go on
            self._see(f"{begin}*", {ref.name: ref.sha for ref in there})
        return list({ref.name: ref for ref in [*there, *self._planned(begin)]}.values())

    def _planned(self, begin: str) -> list[RemoteRef]:
        return [ref for ref in self._view.all(RemoteRef) if ref.name.startswith(begin)]

    def _ref(self, kind: str, name: str) -> RemoteRef | None:
        full = f"{kind}{name}"
        return next((ref for ref in self._refs(full) if ref.name == full), None)


def remote(context: Context) -> Remote:
    """Return the remote, looked at once a call and again after each write of our own.

    What is planned is this context's alone: before a question the same call tries itself, and plans what is not there.
    """
    look = context.once(Look, lambda: Look(repository(context), context.activity))
    return Remote(look, context.view, partial(context.plan.see, context.doors))


def trunk(context: Context) -> str:
    """Return the trunk's name: the setting, or what the remote's HEAD names."""
    return context.settings.release.trunk or remote(context).trunk()


def _parse(listing: str) -> Refs:
    """Read what ls-remote prints: tags peeled by their line that ends in `^{}`.

    There may be 200,000 lines: none is taken apart alone. Where a symbolic ref has two, the second has its object.
    """
    words = listing.replace("\t", "\n").split("\n")
    targets = dict(zip(words[1::2], words[::2], strict=False))
    peeled = {name[: -len(PEELED)]: targets.pop(name) for name in words[1::2] if name.endswith(PEELED)}
    return Refs(targets, peeled)
