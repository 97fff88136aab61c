"""The way on for a rehearsed call that stopped: what a person would do about it, done in the sandbox."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from release.sandbox.github.records import OWNER_LOGIN, TOKEN, Token
from release.sandbox.github.rules import in_force, parameters, required_checks, violations
from release.sandbox.github.state import Hub, add_check, add_review

if TYPE_CHECKING:
    from release.sandbox.rehearsal.journal import Written
    from release.sandbox.rehearsal.mishaps import BadDay


@dataclass(frozen=True)
class Stop:
    """Where a call stopped and why, what was done about it, and whether failed jobs are to run once more.

    `where` begins as what would have been written there.
    """

    where: str
    why: str
    mended: str
    reruns: bool = False
    on_purpose: bool = False


def stops(hub: Hub, day: BadDay, new: Iterable[Written], known: Sequence[Stop]) -> list[Stop]:
    """Return why the call that wrote this stopped, each mended; nothing where no way on is known."""
    # What stopped for the same reason before is not mended by doing the same once more: it would never end.
    for reasons in (_mishaps(day), _refusals(hub, day, new), chain(_rights(hub), _pulls(hub))):
        if found := [stop for stop in reasons if stop not in known]:
            return found
    return []


def _mishaps(day: BadDay) -> Iterator[Stop]:
    for name, job in day.failed.items():
        yield Stop(f"job {job}", f"failed on purpose (--fail {name})", "its cause is mended", True, True)
    if day.killed:
        why = f"killed on purpose (--kill-after {day.kill_after})"
        yield Stop(f"after the {day.killed}", why, "the same call goes on", on_purpose=True)


def _refusals(hub: Hub, day: BadDay, new: Iterable[Written]) -> Iterator[Stop]:
    """Lift the rules that refused a push."""
    for ref in dict.fromkeys(each.about["ref"] for each in new if each.kind == "refused"):
        lifted = in_force(hub, ref)
        hub.rulesets = [each for each in hub.rulesets if each not in lifted]
        on_purpose = any(each in day.refused for each in lifted)
        day.met |= {pattern for each in lifted for pattern in each.include}
        kinds = ", ".join(sorted({kind for each in lifted for kind in each.rules}))
        why = "refused on purpose (--refuse-push)" if on_purpose else f"a rule refuses it ({kinds})"
        mended = f"the rule of {', '.join(lifted[0].include)} is lifted" if lifted else "tried again"
        yield Stop(f"push of {ref}", why, mended, on_purpose=on_purpose)


def _rights(hub: Hub) -> Iterator[Stop]:
    if not hub.tokens[TOKEN].push:
        hub.tokens[TOKEN] = Token(OWNER_LOGIN)
        yield Stop("the first push", "this token may not push", "it may from now on")


def _pulls(hub: Hub) -> Iterator[Stop]:
    """Approve the open pull requests that wait for it, and have the merge queue let them pass."""
    for pull in [each for each in hub.pulls.values() if each.state == "open" and each.user == OWNER_LOGIN]:
        where = f"pull request #{pull.number} merged into {pull.base}"
        reviews = parameters(hub, pull.base, "pull_request")
        needed = max((each.get("required_approving_review_count", 0) for each in reviews), default=0)
        if any("approving review" in each for each in violations(hub, pull)):
            for number in range(needed):
                add_review(hub, pull, login=f"reviewer-{number + 1}")
            yield Stop(where, f"needs {needed} approving review{'s' * (needed > 1)}", "approved")
        if parameters(hub, pull.base, "merge_queue"):
            hub.rulesets = [
                replace(each, rules={kind: given for kind, given in each.rules.items() if kind != "merge_queue"})
                if each in in_force(hub, f"refs/heads/{pull.base}")
                else each
                for each in hub.rulesets
            ]
            yield Stop(where, f"waits in the merge queue of {pull.base}", "the queue lets it pass")


def stand_in(hub: Hub, written: Written) -> None:
    """Report the checks that a branch requires as passed: other applications report them, which are not here.

    A job of that name has its own say beside it.
    """
    about = written.about
    if written.kind in ("push", "branch") and about.get("sha"):
        branch, sha = str(about["ref"]).removeprefix("refs/heads/"), about["sha"]
    elif written.kind == "pull request" and about["state"] == "open":
        branch, sha = about["base"], hub.pulls[about["number"]].head_sha
    else:
        return
    for name in required_checks(hub, branch):
        add_check(hub, sha, name, "success")
