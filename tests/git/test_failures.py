"""Git's own words, as it was seen to print them, and what an operator is told of them."""

from __future__ import annotations

import pytest

from release.errors import Conflict, Failed, ReleaseError, Unknown, Usage
from release.git.failures import failure

GONE = "fatal: unable to access 'https://h/x/': "
FAILED = "error: failed to push some refs to 'https://h/x'"
REJECTED = "To https://h/x\n ! [{}] 0.7.0 -> 0.7.0 ({})\n" + FAILED
LOCK = "fatal: Unable to create '/x/.git/index.lock': File exists."
TRUST = "git config --global --add safe.directory /x"
SIGN_IN = "Set GITHUB_TOKEN, or sign in: gh auth login"
REFUSED = "the remote does not accept these credentials"
MEANWHILE = "somebody pushed meanwhile: the remote no longer has what this push was made for"
RULE = "A rule or a hook says so; trying again will not change it."
OWN = "What says so is on this machine: a pre-push hook, or Git itself."
BROKE = "the connection broke during the push: fatal: the remote end hung up unexpectedly"
LOOKS = "Run the same again: it looks first."
NO_ATOMIC = "fatal: the receiving end does not support --atomic push"
IN_THE_WAY = "remote: error: cannot lock ref 'refs/tags/0.7.0': 'refs/tags/0.7.0/x' exists; cannot create it\n"

SAID: dict[str, tuple[str, str, type[ReleaseError], str, str]] = {
    "a lock": (
        "fetch", f"{LOCK}\n\nAnother git process seems to be running", Failed, LOCK,
        "Another Git runs here, or one was killed: when none does, delete that file.",
    ),
    "another's folder": (
        "status", f"fatal: detected dubious ownership in repository at '/x'\nTo add an exception, call:\n\n\t{TRUST}",
        Usage, "detected dubious ownership in repository at '/x'", f"If you trust it: {TRUST}",
    ),
    "a wrong token": ("fetch", "fatal: Authentication failed for 'https://h/x/'", Usage, REFUSED, SIGN_IN),
    "no token": ("push", "fatal: could not read Username for 'https://h': no prompts", Usage, REFUSED, SIGN_IN),
    "a token refused late": ("push", "error: RPC failed; HTTP 401 curl 22 error: 401", Usage, REFUSED, SIGN_IN),
    "moved": (
        "fetch", f"{GONE}The requested URL returned error: 301", Usage,
        f"the remote has moved: {GONE}The requested URL returned error: 301",
        "git remote set-url NAME URL, where it is now",
    ),
    "no network": (
        "fetch", f"{GONE}Could not resolve host: h", Failed,
        f"the remote does not answer: {GONE}Could not resolve host: h",
        "Check the network and the address: git remote -v",
    ),
    "anything": ("fetch", "warning: x\nfatal: couldn't find y", Failed, "git fetch: fatal: couldn't find y", ""),
    "nothing": ("fetch", "", Failed, "git fetch failed", ""),
    "the server's words alone": ("fetch", "remote: no", Failed, "git fetch: no", ""),
    "a hook of the clone": (
        "tag", "not today\nfatal: ref updates aborted by hook", Failed,
        "git tag: not today\nfatal: ref updates aborted by hook", "",
    ),
    "a pre-push hook": ("push", f"not today\n{FAILED}", Failed, "this clone stops the push: not today", OWN),
    "a silent pre-push hook": ("push", FAILED, Failed, f"this clone stops the push: {FAILED}", OWN),
    "no atomic push": (
        "push", NO_ATOMIC, Failed, f"the server cannot take refs together, or not at all: {NO_ATOMIC}",
        "A release needs a server with Git 2.4 or newer, and receive.advertiseAtomic.",
    ),
    "403": (
        "push", f"{GONE}The requested URL returned error: 403", Failed,
        f"the remote does not take this push: {GONE}The requested URL returned error: 403",
        "May this token push? inv release.doctor",
    ),
    "403 with words": (
        "push", f"remote: Permission denied to me.\n{GONE}The requested URL returned error: 403", Failed,
        "the remote does not take this push: Permission denied to me.", "May this token push? inv release.doctor",
    ),
    "hung up": (
        "push", "error: RPC failed; curl 56\nfatal: the remote end hung up unexpectedly", Unknown, BROKE, LOOKS
    ),
    "hung up after words": (
        "push", "remote: checking\nerror: RPC failed; curl 56\nfatal: the remote end hung up unexpectedly", Unknown,
        f"{BROKE}\nchecking", LOOKS,
    ),
    "a rule": (
        "push", "remote: \nremote: error: GH006\nremote: See it\n" + REJECTED.format("remote rejected", "declined"),
        Failed, "the server refused the push: error: GH006\nSee it", RULE,
    ),
    "a silent rule": (
        "push", REJECTED.format("remote rejected", "hook declined"), Failed,
        "the server refused the push: ! [remote rejected] 0.7.0 -> 0.7.0 (hook declined)", RULE,
    ),
    "a lost lease": ("push", REJECTED.format("rejected", "stale info"), Conflict, MEANWHILE, "Run the same again."),
    "a newer branch": ("push", REJECTED.format("rejected", "fetch first"), Conflict, MEANWHILE, "Run the same again."),
    "a lock on the ref": (
        "push", "remote: error: cannot lock ref 'x'\n" + REJECTED.format("remote rejected", "failed"), Conflict,
        MEANWHILE, "Run the same again.",
    ),
    "a name in the way": (
        "push", IN_THE_WAY + REJECTED.format("remote rejected", "failed"), Conflict,
        "0.7.0/x is there on the remote, and Git takes no name above or below another",
        "Look at it; if nobody needs it, delete it (git push REMOTE --delete NAME).",
    ),
    "what a hook says of a lease": (
        "push", "remote: (stale info) it says\n" + REJECTED.format("rejected", "other"), Failed,
        "the server refused the push: (stale info) it says", RULE,
    ),
    "another refusal": (
        "push", f"To https://h/x\nerror: dst refspec x\n{FAILED}", Failed, "git push: error: dst refspec x", ""
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_what_git_says_is_told_with_where_to_go(case: str) -> None:
    command, stderr, kind, problem, hint = SAID[case]
    told = failure(command, f"\n  stderr: '{stderr}'")
    assert (type(told), told.problem, told.hint) == (kind, problem, hint)
