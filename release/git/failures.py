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
    server = [line.removeprefix("remote:").strip() for line in said if line.startswith("remote:")]
    if "index.lock" in text:
        return Failed(
            _first(said, "index.lock"), "Another Git runs here, or one was killed: when none does, delete that file."
        )
    if "Authentication failed" in text or "could not read Username" in text:
        return Usage("the remote does not accept these credentials", "Set GITHUB_TOKEN, or sign in: gh auth login")
    if command == "push":
        return _push_failure(text, said, [line for line in server if line])
    if any(sign in text for sign in GONE):
        return Failed(
            f"the remote does not answer: {_first(said, 'fatal:')}", "Check the network and the address: git remote -v"
        )
    return Failed(f"git {command}: {_first(said, 'fatal:')}" if said else f"git {command} failed")


def _push_failure(text: str, said: Sequence[str], server: Sequence[str]) -> Failed | Conflict | Unknown:
    if "(stale info)" in text or "cannot lock ref" in text or "(fetch first)" in text:
        return Conflict(
            "somebody pushed meanwhile: the remote no longer has what this push was made for", "Run the same again."
        )
    if "[remote rejected]" in text or server or "pre-push" in text:
        words = "\n".join(server) or _first(said, "[remote rejected]")
        return Failed(
            f"the server refused the push: {words}", "A rule or a hook says so; trying again will not change it."
        )
    if re.search(r"(?:HTTP|returned error:) 4[0-9][0-9]", text):
        return Failed(
            f"the remote does not take this push: {_first(said, 'fatal:')}", "May this token push? inv release.doctor"
        )
    if any(sign in text for sign in (*GONE, "RPC failed", "hung up")):
        return Unknown(
            f"the connection broke during the push: {_first(said, 'fatal:')}", "Run the same again: it looks first."
        )
    return Failed(f"git push: {_first(said, 'error:')}")


def _first(lines: Sequence[str], sign: str) -> str:
    return next((line for line in lines if sign in line), lines[-1] if lines else "")
