"""What Git says when it fails, as errors an operator can act on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage

GONE = ("Could not resolve", "unable to access", "Connection", "timed out", "Could not read from remote", "early EOF")


def failure(command: str, stderr: str) -> ReleaseError:
    """Return the error that an operator can act on; a password in a URL is left out of it (S1)."""
    text = re.sub(r"//[^/@\s]+@", "//", stderr).strip().removeprefix("stderr:").strip().strip("'").strip()
    said = [line.strip() for line in text.splitlines() if line.strip()]
    if "index.lock" in text:
        hint = "Another Git runs here, or one was killed: when none does, delete that file."
        return Failed(_first(said, "index.lock"), hint)
    if "Authentication failed" in text or "could not read Username" in text:
        return Usage("the remote does not accept these credentials", "Set GITHUB_TOKEN, or sign in: gh auth login")
    if moved := re.search(r"returned error: 30[1-8]", text):
        return Usage(f"the remote has moved: {_first(said, moved[0])}", "git remote set-url NAME URL, where it is now")
    if command == "push":
        return _push_failure(text, said)
    if any(sign in text for sign in GONE):
        problem = f"the remote does not answer: {_first(said, 'fatal:')}"
        return Failed(problem, "Check the network and the address: git remote -v")
    return Failed(f"git {command}: {_first(said, 'fatal:')}" if said else f"git {command} failed")


def _push_failure(text: str, said: Sequence[str]) -> Failed | Conflict | Unknown:
    # Order matters: a lost lease may be a [remote rejected] too, and the server's words tell more than a broken line.
    if any(sign in text for sign in ("(stale info)", "cannot lock ref", "(fetch first)")):
        problem = "somebody pushed meanwhile: the remote no longer has what this push was made for"
        return Conflict(problem, "Run the same again.")
    server = [line.removeprefix("remote:").strip() for line in said if line.startswith("remote:")]
    words = "\n".join(line for line in server if line)
    if "[remote rejected]" in text or words or "pre-push" in text:
        problem = f"the server refused the push: {words or _first(said, '[remote rejected]')}"
        return Failed(problem, "A rule or a hook says so; trying again will not change it.")
    reason = _first(said, "fatal:")
    if re.search(r"(?:HTTP|returned error:) 4[0-9][0-9]", text):
        return Failed(f"the remote does not take this push: {reason}", "May this token push? inv release.doctor")
    if any(sign in text for sign in (*GONE, "RPC failed", "hung up")):
        return Unknown(f"the connection broke during the push: {reason}", "Run the same again: it looks first.")
    return Failed(f"git push: {_first(said, 'error:')}")


def _first(lines: Sequence[str], sign: str) -> str:
    return next((line for line in lines if sign in line), lines[-1] if lines else "")
