"""The lease on a dispatch: a ref that only one releaser can make, on the remote that all of them share (F1)."""

from __future__ import annotations

import getpass
import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass

from release.call.context import Context
from release.call.wait import Wait, wait_until
from release.errors import Conflict, Failed, ReleaseError, Waiting
from release.git.refs import Push, RemoteRef
from release.git.repository import repository
from release.github.requests import Dispatch

# Outside refs/heads and refs/tags: no workflow starts on it, and no rule of branches or tags is in its way.
SPACE = "refs/release/dispatch/"
GRACE = 60.0  # seconds a lease may stand without its run: what GitHub takes to show one, and the holder to ask
SEEN = 10.0  # seconds for which it must have been seen unchanged too, lest a wrong clock make a live one look old


@dataclass(frozen=True)
class Lease:
    """Who may ask for a run now: the ref, the object that says who and since when (seconds since the epoch)."""

    ref: RemoteRef
    holder: str
    since: float


def lease_ref(dispatch: Dispatch) -> str:
    """Return the full ref of the lease on this very run: workflow, ref, commit and inputs."""
    asked = [dispatch.workflow, dispatch.ref, dispatch.sha, json.dumps(dict(dispatch.inputs), sort_keys=True)]
    return SPACE + hashlib.sha256("\n".join(asked).encode()).hexdigest()[:20]


def take_lease(context: Context, dispatch: Dispatch, there: Callable[[], bool]) -> Lease | None:
    """Return the lease on the dispatch, once it is ours; None as soon as `there` says that the run is there.

    Writes the ref, create-only; one whose holder left no run behind within a minute is taken over, with a lease of
    Git's own on what it was. Raises Failed when the server takes no such ref.
    """
    state: dict[str, object] = {}

    def look(wait: Wait) -> bool:
        state["lease"] = _push_lease(context, dispatch, "")
        if state["lease"] or there():
            return True
        held = held_lease(context, dispatch)
        if held and held.ref.target != state.get("seen"):
            state.update(seen=held.ref.target, at=wait.waited)
            context.report.step("waiting", f"{held.holder} asks for a run of {dispatch.workflow}: following that one")
        elif held and wait.waited - float(str(state["at"])) >= SEEN and context.clock.now() - held.since >= GRACE:
            state["lease"] = _push_lease(context, dispatch, held.ref.target)
        return bool(state["lease"])

    stuck = Waiting(f"somebody else asks for a run of {dispatch.workflow}, and none shows", "Run the same again.")
    wait_until(context, look, late=lambda _: stuck, stopped=lambda: Waiting("stopped waiting", "Run the same again."))
    found = state["lease"]
    return found if isinstance(found, Lease) else None


def held_lease(context: Context, dispatch: Dispatch) -> Lease | None:
    """Return the lease that stands on the remote, whoever's, or None."""
    repo, name = repository(context), lease_ref(dispatch)
    listed = repo.git("ls-remote", "--", repo.remote, name).split()
    if not listed:
        return None
    try:
        repo.fetch(name)
        said = json.loads(repo.git("cat-file", "blob", listed[0]))
        return Lease(RemoteRef(name, listed[0], listed[0]), str(said["who"]), float(said["at"]))
    except (ReleaseError, ValueError, KeyError, TypeError):  # gone meanwhile, or nothing of ours
        return Lease(RemoteRef(name, listed[0], listed[0]), "somebody", 0.0)


def let_go(context: Context, lease: Lease) -> None:
    """Delete the lease if it still is this one; that it could not be is said, and hinders nobody."""
    try:
        repository(context).delete_branch(lease.ref.name, lease.ref.target)
    except ReleaseError as error:
        context.report.step("note", f"the lease {lease.ref.name} stays: {error.problem}")


def _push_lease(context: Context, dispatch: Dispatch, expected: str) -> Lease | None:
    """Return the lease if the remote took it, None when somebody else's is there; raise Failed when it takes none."""
    repo, now = repository(context), context.clock.now()
    who = f"{getpass.getuser()} on {platform.node()}"
    said = {"workflow": dispatch.workflow, "ref": dispatch.ref, "sha": dispatch.sha, "who": who, "at": now}
    inputs = {name: str(value) for name, value in dispatch.inputs.items()}
    sha = repo.git("hash-object", "-w", "--stdin", stdin=json.dumps({**said, "inputs": inputs}))
    ref = RemoteRef(lease_ref(dispatch), sha, sha)
    try:
        repo.push([Push(ref.name, sha, expected)])
    except Conflict:
        held = held_lease(context, dispatch)
        return Lease(ref, who, now) if held and held.ref.target == sha else None  # Git sent it twice (F34)
    except Failed as error:
        raise Failed(f"the remote takes no ref in {SPACE}: {error.problem}", error.hint) from error
    return Lease(ref, who, now)
