"""The lease on a dispatch: a ref that one releaser alone can make, on the remote that all of them share (F1)."""

from __future__ import annotations

import hashlib
import json
import platform
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, partial
from typing import Any

from release.call.context import Context
from release.call.ensure import perform
from release.call.wait import Wait, wait_until
from release.errors import Conflict, ReleaseError, Waiting
from release.git.refs import Push
from release.git.repository import repository
from release.github.requests import Dispatch
from release.github.runs import APPEARS

# Outside refs/heads and refs/tags: no workflow starts on it, and no rule of branches or tags is in its way.
SPACE = "refs/release/dispatch/"


class Lease:
    """Who may ask for a run of this workflow and ref now, whatever its inputs: no run shows what those were.

    `doubt` is None while it kept everybody else away; else the seconds for which the run of another may still show.
    """

    def __init__(self, context: Context, dispatch: Dispatch) -> None:
        self._context, self._dispatch = context, dispatch
        self._repo, self._sha, self._floor = repository(context), "", 0
        self.ref = SPACE + hashlib.sha256(f"{dispatch.workflow}\n{dispatch.ref}".encode()).hexdigest()[:20]
        self.doubt: float | None = None

    def take(self, look: Callable[[], object], floor: int) -> None:
        """Write the lease, create-only; return once it is ours, or `look` finds the run, or the remote takes none.

        One that stands unchanged for as long as a run may need to show, and shows none, is of a call that was killed.
        `floor` is the highest id of the runs that were there before.
        """
        held, since, self._floor = "", 0.0, floor

        def _try(wait: Wait) -> bool:
            nonlocal held, since
            stands = wait.seconds - since >= APPEARS
            if self._push(held if stands else "", stands) or look():
                return True
            now = self._held()
            if now != held:
                held, since = now, wait.seconds
                if now:
                    who = self._read(now).get("who", "somebody")
                    self._context.report.step("note", f"{who} asks for a run of {self._dispatch.workflow} just now")
            return False

        what = f"stopped waiting: somebody else asks for a run of {self._dispatch.workflow}, and none shows"
        going = Waiting(what, "Run the same again.")
        wait_until(self._context, _try, late=lambda _: going, stopped=lambda: going)

    def let_go(self) -> None:
        """Delete the lease if it is ours, on every way out; that it was not any more is doubt."""
        sha, self._sha = self._sha, ""
        try:
            if sha:
                self._repo.delete_ref(self.ref, sha)
        except ReleaseError:
            with suppress(ReleaseError):
                # Whoever deleted it saw a run; whoever replaced it may still ask for one.
                held = self._held()
                self.doubt = max(self.doubt or 0.0, 0.0 if held in ("", sha) else APPEARS)
                if held == sha:  # the line broke, say: no later call of a finished release looks for it
                    self._repo.delete_ref(self.ref, sha)

    def clear(self, known: int) -> None:
        """Delete the lease of a killed call whose run this is, by its id (F33); it hinders nobody if that fails."""
        with suppress(ReleaseError, TypeError, ValueError):
            held = self._held()
            said = self._read(held) if held else {}
            if said.get("sha") == self._dispatch.sha and known > int(said.get("floor", known)):
                delete = partial(self._repo.delete_ref, self.ref, held)
                perform(self._context, f"take away the lease {self.ref} of a killed call", delete, None)

    def _push(self, expected: str, last: bool) -> bool:
        """Return whether to go on: with the lease, or where the remote takes none without it.

        A conflict where none is held is of one just let go; at `last`, of a ref in the way of all leases.
        """
        self._sha, problem = self._object, None
        try:
            self._repo.push([Push(self.ref, self._sha, expected)])
        except ReleaseError as error:
            problem = error
        if problem is None or self._held() == self._sha:  # Git may have met its own push (F34)
            self.doubt = APPEARS if expected else None
            return True
        self._sha = ""
        if (isinstance(problem, Conflict) and (expected or not last)) or (not expected and self._held()):
            return False
        words = f"the remote takes no lease on a dispatch ({SPACE}…): {problem.problem}"
        self._context.report.step("note", f"{words}\nof two that ask at once the later cancels its own run")
        self.doubt = APPEARS
        return True

    @cached_property
    def _object(self) -> str:
        """The object that the ref names: for what, whose, and since when; no two are the same."""
        asked, name = self._dispatch, self._repo.person()
        inputs = {key: str(value) for key, value in asked.inputs.items()}
        whose = {"who": f"{name} on {platform.node()}", "at": self._context.clock.now(), "nonce": secrets.token_hex(8)}
        said = {"workflow": asked.workflow, "ref": asked.ref, "sha": asked.sha, "inputs": inputs, "floor": self._floor}
        return self._repo.git("hash-object", "-w", "--stdin", stdin=json.dumps({**said, **whose}))

    def _held(self) -> str:
        """Return the object that the remote's ref names now, or nothing."""
        return next(iter(self._repo.git("ls-remote", "--", self._repo.remote, self.ref).split()), "")

    def _read(self, sha: str) -> dict[str, Any]:
        """Return what the object says, or nothing: it may be gone meanwhile, or nobody's."""
        with suppress(ReleaseError, TypeError, ValueError):
            self._repo.fetch(self.ref)
            return dict(json.loads(self._repo.git("cat-file", "blob", sha)))
        return {}


def lease_problem(context: Context) -> tuple[str, str]:
    """Return what is in the way of leases, and its fix: a push that is only tried tells, but no hook's word."""
    repo = repository(context)
    try:
        repo.git("push", "--dry-run", "--no-verify", "--", repo.remote, f"{repo.head()}:{SPACE}doctor")
    except ReleaseError as error:
        fix = "Let it push: without a lease, of two that ask at once the later cancels its own run."
        return f"this machine cannot push a lease on a dispatch: {error.problem}", fix
    return "", ""
