"""What Git says when it fails, as errors an operator can act on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from release.call.programs import LOGIN
from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage

GONE = ("Could not resolve", "unable to access", "Connection", "timed out", "Could not read from remote", "early EOF")


def failure(command: str, stderr: str) -> ReleaseError:
    """Return the error that an operator can act on; a password in a URL is left out of it (S1)."""
    # GitPython quotes what Git said; Git's own words may end in a quote too.
    text = re.sub(r"\A\s*stderr: '(.*)'\s*\Z", r"\1", re.sub(f"//{LOGIN}", "//", stderr), flags=re.DOTALL).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # What the server's hooks say is for people: words of theirs, such as "timed out", say nothing of what Git met.
    words = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")]
    said = [line for line in lines if not line.startswith("remote:")]
    text = "\n".join(said)
    if "index.lock" in text:
        hint = "Another Git runs here, or one was killed: when none does, delete that file."
        return Failed(_first(said, "index.lock"), hint)
    if setup := _setup_failure(text, said):
        return setup
    if command == "push":
        return _own_refusal(text, said) or _push_failure(text, said, "\n".join(filter(None, words)))
    if any(sign in text for sign in GONE):
        problem = f"the remote does not answer: {_first(said, 'fatal:')}"
        return Failed(problem, "Check the network and the address: git remote -v")
    # What a hook of this clone says comes before Git's own word, that it was one.
    told = "\n".join(said) if "by hook" in text else _first(said or words, "fatal:")
    return Failed(f"git {command}: {told}" if lines else f"git {command} failed")


def _setup_failure(text: str, said: Sequence[str]) -> Usage | None:
    """Return what the operator has to set first, or None."""
    if "safe.directory" in text:
        problem = _first(said, "fatal:").removeprefix("fatal: ")
        return Usage(problem, f"If you trust it: {_first(said, 'safe.directory')}")
    # At what it sends, a server may refuse the token that it took at the look before.
    if any(sign in text for sign in ("Authentication failed", "could not read Username", "HTTP 401")):
        return Usage("the remote does not accept these credentials", "Set GITHUB_TOKEN, or sign in: gh auth login")
    if moved := re.search(r"returned error: 30[1-8]", text):
        return Usage(f"the remote has moved: {_first(said, moved[0])}", "git remote set-url NAME URL, where it is now")
    return None


def _own_refusal(text: str, said: Sequence[str]) -> Failed | None:
    """Return what stopped a push before it met the remote, in its own words, or None."""
    if any(line.startswith(("To ", "fatal: ", "error: RPC")) for line in said):
        return None
    told = "\n".join(line for line in said if not line.startswith("error: failed to push some refs"))
    hint = "What says so is on this machine: a pre-push hook, or Git itself."
    return Failed(f"this clone stops the push: {told or text}", hint)


def _push_failure(text: str, said: Sequence[str], words: str) -> Failed | Conflict | Unknown:
    # Order matters: a lost lease may be a [remote rejected] too, and 403 is an address that Git is "unable to access".
    rejected = "[remote rejected]" in text
    # Why a ref of an atomic push could not be written is in the server's words alone.
    told = f"{text}\n{words}" if rejected else text
    if conflict := _conflict(told):
        return conflict
    reason = _first(said, "[remote rejected]" if rejected else "fatal:")
    if not rejected and "does not support --atomic" in text:
        problem = f"the server cannot take refs together, or not at all: {reason}"
        return Failed(problem, "A release needs a server with Git 2.4 or newer, and receive.advertiseAtomic.")
    if status := None if rejected else re.search(r"(?:HTTP|returned error:) 4[0-9][0-9]", text):
        problem = f"the remote does not take this push: {words or _first(said, status[0])}"
        return Failed(problem, "May this token push? inv release.doctor")
    # A hook may have said something before the connection broke: only Git's own report tells that it said no (F13).
    if not rejected and any(sign in text for sign in (*GONE, "RPC failed", "hung up")):
        problem = "\n".join(filter(None, (f"the connection broke during the push: {reason}", words)))
        return Unknown(problem, "Run the same again: it looks first.")
    if rejected or words:
        hint = "A rule or a hook says so; trying again will not change it."
        return Failed(f"the server refused the push: {words or reason}", hint)
    return Failed(f"git push: {_first(said, 'error:')}")


def _conflict(told: str) -> Conflict | None:
    """Return what of the remote's refs is in the way, or None."""
    if blocked := re.search(r"'refs/(?:heads|tags)/([^']+)' exists; cannot create", told):
        problem = f"{blocked[1]} is there on the remote, and Git takes no name above or below another"
        return Conflict(problem, "Look at it; if nobody needs it, delete it (git push REMOTE --delete NAME).")
    if any(sign in told for sign in ("(stale info)", "cannot lock ref", "(fetch first)")):
        problem = "somebody pushed meanwhile: the remote no longer has what this push was made for"
        return Conflict(problem, "Run the same again.")
    return None


def _first(lines: Sequence[str], sign: str) -> str:
    return next((line for line in lines if sign in line), lines[-1] if lines else "")
