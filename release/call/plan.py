"""A pipeline's plan: what a dry call notes of its steps, and what the real one with it is held against."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Protocol

from release.call.texts import typed_call
from release.errors import Conflict, Usage

LATER: Mapping[str, Any] = {"known": "later"}  # stands for what nobody can know before it is made
CONTENT = ("base", "tree", "commits")
MOST = 1_000  # commits that a step may add
Doors = Mapping[Hashable, Any]  # those that the call has opened
Facts = Mapping[str, Any]  # of a step: first its kind and name, then what it rests on and what it makes


@dataclass(frozen=True)
class Content:
    """A commit that is not made yet: the tree it will have, on top of `base` by at most so many commits.

    An empty one stands for what the step before makes, made once more: a merge's.
    """

    tree: str = ""
    base: str = ""
    commits: int = 0


@dataclass(frozen=True)
class File:
    """A file as it is at a commit."""

    sha: str
    path: str


class Objects(Protocol):
    """What tells about Git's objects: the repository's room puts it among the call's doors, under this very name."""

    def file_id(self, name: str, path: str) -> str | None:
        """Return the name of the file's object in a commit or tree, None where it has none."""

    def holds(self, sha: str, content: Content) -> bool:
        """Whether the commit is what was planned: the same tree, on top of the same commit."""


class Plan:
    """No plan: nothing is noted and nothing compared."""

    day: date | None = None  # the UTC day that the call counts as: a plan's own, whenever it is carried out

    def about(self, name: str, value: str) -> None:
        """Take what the call is about: its repository, its version."""

    def see(self, doors: Doors, where: str, found: Mapping[str, str], whole: bool = True) -> None:
        """Take what is there already; with `whole`, all that is there of that kind."""

    def step(self, doors: Doors, what: str, state: str, facts: Callable[[], Facts]) -> None:
        """Take a step, before it is made and again once it is."""


class _Noting(Plan):
    """A plan whose steps are put into plain values."""

    def __init__(self) -> None:
        self._latest: dict[str, Any] = {}  # what the step before makes

    def _plain(self, doors: Doors, facts: Facts) -> tuple[str, str, dict[str, Any]]:
        """Return the kind and the name of a step, and the rest of its facts as a file has them."""
        (kind, name), *rest = facts.items()
        plain = {key: self._value(doors, f"{kind} {name}", value) for key, value in rest}
        return kind, str(name), {key: value for key, value in plain.items() if value is not None}

    def _value(self, doors: Doors, step: str, value: Any) -> Any:
        if isinstance(value, Content):
            known = asdict(value) if value.tree else {key: self._latest[key] for key in CONTENT if key in self._latest}
            self._latest = {**LATER, **known, "by": step}
            return self._latest
        if isinstance(value, File):
            at = self._latest.get("tree") if _is_new(value.sha) else value.sha
            return doors[Objects].file_id(at, value.path) if at else None
        if isinstance(value, Mapping):
            return {str(key): self._value(doors, step, each) for key, each in value.items()}
        if _is_new(value):
            return self._latest or dict(LATER)
        return value if isinstance(value, (bool, int, type(None))) else str(value)


class Draft(_Noting):
    """The plan that a dry call notes."""

    def __init__(self, day: date) -> None:
        super().__init__()
        self.day = day
        self.header: dict[str, str] = {}
        self.seen: dict[str, dict[str, str]] = {}
        self.steps: dict[tuple[str, str], dict[str, Any]] = {}

    def about(self, name: str, value: str) -> None:
        """Note what the call is about."""
        self.header[name] = value

    def see(self, doors: Doors, where: str, found: Mapping[str, str], whole: bool = True) -> None:
        """Note what was there at the first look."""
        self.seen.setdefault(where, dict(found))

    def step(self, doors: Doors, what: str, state: str, facts: Callable[[], Facts]) -> None:
        """Note the step."""
        kind, name, rest = self._plain(doors, facts())
        noted = {"kind": kind, "name": name, "what": what, "state": state, "facts": rest}
        self.steps.setdefault((kind, name), noted)


class Approved(_Noting):
    """The plan that a call follows: whatever differs from it raises Conflict, before anything more is written.

    A step that was to do and is done as planned is right: a killed call goes on with the same plan.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Take a plan as it was read, in the form that reading holds it to."""
        super().__init__()
        self.day = date.fromisoformat(document["date"])
        self.document = document
        self._steps = {(each["kind"], each["name"]): each["facts"] for each in document["steps"]}
        self._made: dict[str, str] = {}  # by the step that makes it, what was not known before
        self._tagged: dict[str, bool] = {}  # whether the tag is there by now: what its push makes is not there before

    def afresh(self) -> Approved:
        """Return the same plan, of which nothing is made yet."""
        return Approved(self.document)

    def about(self, name: str, value: str) -> None:
        """Raise Usage for another repository, Conflict for a version that is not the next one any more."""
        planned = self.document[name]
        if planned != value and name == "repository":
            raise Usage(f"the plan is one of {planned}, and this is {value}", _anew())
        if planned != value:
            raise _difference(name, planned, value)

    def see(self, doors: Doors, where: str, found: Mapping[str, str], whole: bool = True) -> None:
        """Raise Conflict for what is another than when the plan was made, unless a step of it made that."""
        planned = self.document["seen"].get(where)
        if planned is None:
            return
        for name in sorted({*planned, *found} if whole else {*planned} & {*found}):
            before, now = planned.get(name), found.get(name)
            if before != now and not self._is_made(doors, name, now):
                raise _difference(name, before, now)

    def step(self, doors: Doors, what: str, state: str, facts: Callable[[], Facts]) -> None:
        """Raise Conflict for a step that the plan has not, or has otherwise."""
        kind, name, now = self._plain(doors, facts())
        planned = self._steps.get((kind, name))
        if planned is None:
            raise Conflict(f"the plan has no such step: {what}", _anew())
        for key, value in now.items():
            for where, *values in self._differences(doors, key, planned.get(key), value):
                raise _difference(f"{kind} {name}: {where}", *values)
        if kind == "tag":
            self._tagged[name] = state == "done"

    def _is_made(self, doors: Doors, ref: str, now: str | None) -> bool:
        """Whether a step of the plan makes or moves the ref so."""
        if now is None:
            return ("delete", ref) in self._steps
        made = (facts.get("commit") for (_, name), facts in self._steps.items() if ref in (name, facts.get("into")))
        return any(now == each or (_is_later(each) and _holds(doors, now, each)) for each in made)

    def _differences(self, doors: Doors, where: str, planned: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
        if _is_later(planned) and _is_later(now):
            # On top of what the plan made before, which the call has by now, the same tree is the same content.
            keys = ("tree",) if self._is_own(doors, now.get("base")) else CONTENT
            both = [key for key in keys if key in planned and key in now]
            yield from ((key, planned[key], now[key]) for key in both if planned[key] != now[key])
        elif _is_later(planned):
            if not isinstance(now, str) or not self._is_it(doors, planned, now):
                yield where, planned, now
        elif isinstance(planned, Mapping) and isinstance(now, Mapping):
            for key in sorted({*planned, *now}):
                yield from self._differences(doors, f"{where}: {key}", planned.get(key), now.get(key))
        elif planned != now or type(planned) is not type(now):
            yield where, planned, now

    def _is_own(self, doors: Doors, base: str | None) -> bool:
        """Whether the commit is one that a step of the plan makes."""
        made = (facts.get("commit") for facts in self._steps.values() if base)
        return any(_is_later(each) and "tree" in each and _holds(doors, str(base), each) for each in made)

    def _is_it(self, doors: Doors, planned: Mapping[str, Any], now: str) -> bool:
        """Whether this is what was not known before: the one that the step made, once that is known."""
        if "tree" not in planned and not all(self._tagged.values()):
            return False
        step = str(planned.get("by", ""))
        if step not in self._made and _holds(doors, now, planned):
            self._made[step], self._latest = now, dict(planned)
        return not step or self._made.get(step) == now


def _holds(doors: Doors, sha: str, planned: Mapping[str, Any]) -> bool:
    """Whether the commit is of the content planned; of no content, where none could be told."""
    if "tree" not in planned:
        return True
    content = Content(planned["tree"], planned.get("base", ""), planned.get("commits", 0))
    return bool(doors[Objects].holds(sha, content))


def _is_later(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("known") == LATER["known"]


def _is_new(value: Any) -> bool:
    """Whether it stands in a dry run for a commit that is not made yet."""
    return isinstance(value, str) and len(value) >= 40 and not value.strip("0")


def _difference(what: str, planned: Any, now: Any) -> Conflict:
    return Conflict(f"{what}: planned {_words(planned)}, now {_words(now)}", _anew())


def _words(value: Any) -> str:
    if _is_later(value):
        content = (
            f" with tree {str(value['tree'])[:12]} on {str(value.get('base', ''))[:12]}" if "tree" in value else ""
        )
        return f"a new commit{content}" if content else "a new one"
    # Whoever wrote the file may have put lines of their own into it.
    return "nothing" if value is None else " ".join(str(value).split()) or "an empty text"


def _anew() -> str:
    return f"Look at what changed; then plan anew: {typed_call('--dry')}"
