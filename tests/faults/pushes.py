"""What a push meets: of a world's n-th, by what its remote does to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from faults.calls import answered, cut, swallow, truncated
from faults.worlds import World
from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator, get_input_stream

from release.sandbox.git import Bare, GitError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from faults.calls import Act

WORDS = "says the hook of the remote"
LEASES = "refs/release/"
RIVAL = {
    f"GIT_{who}_{what}": f"rival{at}" for who in ("AUTHOR", "COMMITTER") for what, at in (("NAME", ""), ("EMAIL", "@x"))
}


@dataclass(frozen=True)
class Command:
    """One line of a push: gitprotocol-pack(5)."""

    old: str
    new: str
    ref: str


def commands(body: bytes) -> list[Command]:
    """Read what a push asks for, from the packets at its beginning."""
    found, at = [], 0
    while size := int(body[at : at + 4] or b"0", 16):
        old, new, ref = body[at + 4 : at + size].partition(b"\0")[0].decode().strip().split(" ", 2)
        found.append(Command(old, new, ref))
        at += size
    return found


class Pushes:
    """Stands where a world's pushes arrive: `at` does something to the advertisement and to the body of the n-th."""

    def __init__(self, world: World) -> None:
        self.world, self.bare = world, world.sandbox.bare
        self.seen: list[list[Command]] = []
        self.asked: list[list[Command]] = []  # by an undisturbed run
        self._looks = 0
        self._meant, self._look, self._push = range(0), _pass, _pass
        self.struck = False
        front = world.sandbox.github.front
        self._whole, front.application = front.application, self._answer

    def at(self, nth: int, look: Act | None = None, push: Act | None = None, onwards: bool = False) -> None:
        """Have the n-th push misbehave, at what comes first or at what it sends; `onwards`: the later ones too."""
        self.seen, self._looks, self.struck = [], 0, False
        self._meant = range(nth, 1000 if onwards else nth + 1) if nth >= 0 else range(0)  # -1: none
        self._look, self._push = look or _pass, push or _pass

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.endswith("/info/refs") and "git-receive-pack" in environ["QUERY_STRING"]:
            self._looks += 1
            if self._looks - 1 in self._meant and self._look is not _pass:
                self.struck = True
                return self._look(self._whole, environ, start_response)
        if path.endswith("/git-receive-pack"):
            body = get_input_stream(environ).read()
            environ["wsgi.input"] = BytesIO(body)
            self.seen.append(commands(body))
            if self._looks - 1 in self._meant and self._push is not _pass:
                self.struck = True
                return self._push(self._whole, environ, start_response)
        return self._whole(environ, start_response)

    # --- what may be done to it ---

    def moving(self, refs: list[str]) -> Act:
        """Have somebody move these refs just before."""

        def _act(whole: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            for ref in refs:
                old = self.bare.refs(ref).get(ref)
                self.bare.update_ref(ref, rival_commit(self.bare, old))
            return whole(environ, start_response)

        return _act

    def there_already(
        self, whole: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Have somebody make the same refs at the same commits, where the remote has those."""
        for command in self.seen[-1]:
            with suppress(GitError):
                self.bare.git("update-ref", command.ref, f"{command.new}^{{}}")
        return whole(environ, start_response)


def _pass(whole: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return whole(environ, start_response)


def rival_commit(bare: Bare, old: str | None) -> str:
    """Return a new commit of somebody's, after the old one where that is a commit."""
    parent = old if old and bare.kind(old) == "commit" else bare.git("rev-parse", "refs/heads/main").strip()
    return bare.git("commit-tree", f"{parent}^{{tree}}", "-p", parent, "-m", "Somebody was faster", **RIVAL).strip()


def hooked(world: World, name: str, ref: str = "") -> Act:
    """Have a hook of the remote refuse the push, or one ref of it; it is gone afterwards."""
    file = world.sandbox.bare.path / "hooks" / name

    def _act(whole: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        before = file.read_bytes() if file.exists() else None
        test = f'[ "$1" = "{ref}" ]' if ref else "true"
        file.write_text(f'#!/bin/sh\nif {test}; then echo "no, {WORDS}"; exit 1; fi\n')
        file.chmod(0o755)
        answer = swallow(whole, environ)
        file.unlink()
        if before is not None:
            file.write_bytes(before)
            file.chmod(0o755)
        return answer(environ, start_response)

    return _act


def speaking(after: bool) -> Act:
    """Say something as a hook does (side band 2), and break the connection before any report; `after` it landed."""

    def _act(whole: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if after:
            swallow(whole, environ)
        start_response("200 OK", [("Content-Type", "application/x-git-receive-pack-result")])
        line = b"\x02" + f"no, {WORDS}\n".encode()
        return ClosingIterator(_part(f"{len(line) + 4:04x}".encode() + line))

    return _act


def _part(part: bytes) -> Iterable[bytes]:
    yield part
    raise ConnectionResetError("cut on purpose")


def not_atomic(whole: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Advertise all but `atomic`, as an old server does."""
    answer = Response.from_app(whole, environ, buffered=True)
    content = answer.get_data()
    answer.set_data(content.replace(b" atomic ", b" aaaaaa "))
    return answer(environ, start_response)


def twice(whole: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Lose the answer of the first, and answer the same sent again, as curl does on a connection that was in use."""
    body = get_input_stream(environ).read()
    swallow(whole, {**environ, "wsgi.input": BytesIO(body)})
    environ["wsgi.input"] = BytesIO(body)
    return whole(environ, start_response)


LOST = answered(401, b"", {"WWW-Authenticate": 'Basic realm="GitHub"'})
DENIED = answered(403, b"Permission denied to you.\n", kind="text/plain")
BROKEN = answered(500, b"", kind="text/plain")
GONE = answered(404, b"Not Found", kind="text/plain")
READ_FAULTS: dict[str, Act] = {
    "cut": cut(), "truncated": truncated, "401": LOST, "403": DENIED, "500": BROKEN, "404": GONE,
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What happens to a push: at the look that comes first, at what is sent; how the call may end, and its words."""

    look: Callable[[Pushes, list[Command]], Act | None]
    push: Callable[[Pushes, list[Command]], Act | None]
    codes: tuple[int, ...]
    words: str = ""
    onwards: bool = False


def refs_of(asked: list[Command]) -> list[str]:
    """Return the refs that a push is for."""
    return [each.ref for each in asked]


def _nothing(*_: object) -> None:
    return None


def at_look(act: Act, *codes: int, words: str = "", onwards: bool = False) -> Fault:
    """Have it meet that at its first request."""
    return Fault(lambda *_: act, _nothing, codes, words, onwards)


def at_push(act: Act, *codes: int, words: str = "", onwards: bool = False) -> Fault:
    """Have it meet that at what it sends."""
    return Fault(_nothing, lambda *_: act, codes, words, onwards)


RACE, AUTH, REFUSED = "somebody pushed meanwhile", "does not accept these credentials", "refused the push"
MOVED: dict[str, Fault] = {
    "moved-before-gits-look": Fault(lambda to, asked: to.moving(refs_of(asked)), _nothing, (3,)),
    "moved-after-gits-look": Fault(_nothing, lambda to, asked: to.moving(refs_of(asked)), (3,)),
}
FAULTS: dict[str, Fault] = {
    "update-hook": Fault(_nothing, lambda to, asked: hooked(to.world, "update", asked[-1].ref), (1,), WORDS),
    "pre-receive": Fault(_nothing, lambda to, _: hooked(to.world, "pre-receive"), (1,), WORDS),
    "words-and-cut": at_push(speaking(False), 5, words=WORDS),
    "landed-words-and-cut": at_push(speaking(True), 0),
    "not-atomic": at_look(not_atomic, 0, 1, words="--atomic"),  # a deletion is of one ref
    "there-at-the-same-commit": Fault(_nothing, lambda to, _: to.there_already, (0, 3)),
    "401-once": at_look(LOST, 0),  # Git asks the user's credential helper then
    "401-from-the-look-on": at_look(LOST, 2, words=AUTH, onwards=True),
    "401-at-the-push": at_push(LOST, 2, words=AUTH),
    "403-at-the-look": at_look(DENIED, 1, words="May this token push?"),
    "403-at-the-push": at_push(DENIED, 1, words="May this token push?"),
    "500-at-the-push": at_push(BROKEN, 5, words="broke"),
    "cut-at-the-look": at_look(cut(), 1, 5),
    "cut-before": at_push(cut(), 5),
    "cut-after": at_push(cut(after=True), 0),
    "half-an-answer": at_push(truncated, 0),
    "sent-again": at_push(twice, 0),
}
