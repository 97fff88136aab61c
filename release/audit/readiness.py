"""Go or no-go: may a release be made now? A gate each, and none fails open: what cannot be read is no-go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import semver

from release.audit.checkup import clock_findings, findings
from release.audit.fit import Finding
from release.audit.freeze import span
from release.call.context import Context
from release.call.texts import amount
from release.errors import Blocked, ReleaseError, Usage
from release.git.lines import line_branch, line_versions, needed_branch
from release.git.refs import RemoteRef, short_name
from release.git.tags import release_message, trunk_ref
from release.git.withdrawals import withdrawn_versions
from release.github.api import github
from release.github.commits import PASSED, branch_checks, checks_now
from release.github.releases import release_of
from release.picks.candidates import missing_backports
from release.versions import Line, line_of

SHOWN = 5
LABEL, MILESTONE = "label:", "milestone:"


@dataclass(frozen=True)
class Plan:
    """What is to be released: a line's patch from its branch, or of no line the next minor from the trunk."""

    line: Line | None
    head: RemoteRef


Gate = Callable[[Context, Plan, Any], Iterator[Finding]]


def release_plan(context: Context, line: Line | None) -> Plan:
    """Return what a release would be made of now."""
    return Plan(line, needed_branch(context, line) if line else trunk_ref(context))


def ask_first(context: Context, version: semver.Version, line: Line | None, accepted: Sequence[str]) -> str:
    """Ask the gates before a whole release, where `release.ready` is set; return the message of its tag.

    It has the reasons that were needed; it is empty where there are none. What is begun goes on to its end: of a line
    that is cut nothing is asked.
    """
    begun = line is None and line_branch(context, line_of(version))
    if begun or not context.settings.release.ready:
        _reasons(accepted)
        return ""
    plan = release_plan(context, line)
    reasons, found = _reasons(accepted), check_gates(context, plan, accepted)
    stops = {each.name for each in found if each.level == "bad"}
    needed = [f"{name}: {why}" for name, why in reasons.items() if name in stops]
    return release_message(version, needed) if needed else ""


def check_gates(context: Context, plan: Plan, accepted: Sequence[str]) -> list[Finding]:
    """Print a line a gate and return them; raise Blocked unless each is open, left out, or accepted with a reason."""
    reasons = _reasons(accepted)
    set_gates = context.settings.release.gates
    asked = {name: value for name, value in set_gates.items() if value not in (False, [], "")}
    found = []
    for name in GATES:
        if name not in asked:
            context.report.step("note", f"{name:10} left out", gate=name, level="left out")
            continue
        answers = _answer(name, partial(GATES[name], context, plan, asked[name]))
        for each in answers:
            _show(context, each, reasons.get(name, ""))
        found += answers
    stops = [each for each in found if each.level == "bad"]
    left = [each for each in stops if each.name not in reasons]
    if left:
        names = ", ".join(dict.fromkeys(each.name for each in left))
        fixes = "\n".join(f"{each.name}: {each.fix}" for each in left if each.fix)
        answer = f'Or answer for it: --accept "{left[0].name}: REASON"'
        raise Blocked(f"no-go: {names}", f"{fixes}\n{answer}" if fixes else answer)
    return found


def _show(context: Context, found: Finding, reason: str) -> None:
    """Print a gate's line; of one that is shut, the reason why it may be passed all the same."""
    why = reason if found.level == "bad" else ""
    status = {"good": "holds", "advice": "note", "bad": "note" if why else "failed"}[found.level]
    says = f"{found.name:10} {found.says}" + (f"; accepted: {why}" if why else "")
    context.report.step(status, says, gate=found.name, level=found.level, fix=found.fix, accepted=why)


def _answer(name: str, read: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """Return what a gate says; one that cannot be read is shut."""
    try:
        return list(read())
    except ReleaseError as error:
        return [Finding(name, "bad", f"could not be read: {error.problem}", error.hint)]


def _reasons(accepted: Sequence[str]) -> dict[str, str]:
    """Return the reasons by gate; raise Usage for one that names no gate, or gives no reason that can be read."""
    found = {}
    for text in accepted:
        name, _, why = (part.strip() for part in text.partition(":"))
        if name not in GATES or not why or not why.isprintable():
            hint = f'Such as --accept "freeze: it mends CVE-2026-1"; the gates are {", ".join(GATES)}.'
            raise Usage(f"--accept {text!r}: no gate and its reason", hint)
        found[name] = why
    return found


def checks_gate(context: Context, plan: Plan, _: Any) -> Iterator[Finding]:
    """Ask that the checks of the commit to release, and of no other, have all passed (F31)."""
    name = short_name(plan.head)
    found, hidden = checks_now(context, branch_checks(context, plan.head.sha, name))
    wrong = [each for each in found if each.conclusion not in PASSED]
    listed = ", ".join(f"{each.name} ({each.state})" for each in wrong[:SHOWN])
    at = f"{name} at {plan.head.sha[:9]}"
    if hidden:
        fix = "Use a GitHub App's or a classic token."
        yield Finding("checks", "bad", f"this token may not read {' and '.join(hidden)} of {at}", fix)
    elif wrong:
        fix = f"Mend them, or wait for them: {github(context).web_url}/commit/{plan.head.sha}"
        yield Finding("checks", "bad", f"{len(wrong)} of {len(found)} checks of {at}: {listed}", fix)
    else:
        says = f"{amount(len(found), 'check')} of {at} passed" if found else f"nothing checks {at}"
        yield Finding("checks", "good", says)


def blockers_gate(context: Context, plan: Plan, wanted: Sequence[str]) -> Iterator[Finding]:
    """Ask that no open issue or pull request has one of these labels, or is in one of these milestones."""
    texts = [each.replace("{line}", str(plan.line or "")) for each in wanted]
    milestones = [each.removeprefix(MILESTONE) for each in texts if each.startswith(MILESTONE)]
    labels = [each.removeprefix(LABEL) for each in texts if not each.startswith(MILESTONE)]
    queries = ["label:" + ",".join(f'"{name}"' for name in labels)] if labels else []
    queries += [f'milestone:"{name}"' for name in milestones if name]
    items = {item["number"]: item for query in queries for item in _open(context, query)}
    listed = ", ".join(f"#{number} {item['title']}" for number, item in sorted(items.items())[:SHOWN])
    if items:
        fix = f"Close them, or take the mark off: {github(context).web_url}/issues/{min(items)}"
        yield Finding("blockers", "bad", f"{amount(len(items), 'blocker')} open: {listed}", fix)
    else:
        yield Finding("blockers", "good", f"nothing open is marked {', '.join(texts)}")


def _open(context: Context, query: str) -> list[dict[str, Any]]:
    if query.count('"') % 2:
        raise Usage("release.gates: a label or milestone has no quotes in it", "Give it as GitHub shows it.")
    asked = f"repo:{github(context).repository} is:open {query}"
    return list(github(context).pages("/search/issues", key="items", q=asked))


def backports_gate(context: Context, plan: Plan, _: Any) -> Iterator[Finding]:
    """Ask that no merged pull request that is labelled for the line is missing on it."""
    if plan.line is None:
        yield Finding("backports", "good", "a new line has none")
        return
    missing = missing_backports(context, plan.line)
    listed = ", ".join(f"#{each.pull} {each.title}" for each in missing[:SHOWN])
    if missing:
        flags = "".join(f" --pr {number}" for number in dict.fromkeys(each.pull for each in reversed(missing)))
        says = f"{amount(len(missing), 'commit')} labelled for {plan.line} not on it: {listed}"
        yield Finding("backports", "bad", says, f"inv release.pick --line {plan.line}{flags}")
    else:
        yield Finding("backports", "good", f"all that is labelled for {plan.line} is on it")


def freeze_gate(context: Context, _: Plan, wanted: Sequence[str]) -> Iterator[Finding]:
    """Ask that it is no time of a freeze, and no open issue says that there is one."""
    labels = [each.removeprefix(LABEL) for each in wanted if each.startswith(LABEL)]
    spans = [span(each) for each in wanted if not each.startswith(LABEL)]
    now = context.clock.now()
    held = [each.text for each in spans if each.holds(now)]
    for label in labels:
        held += [f"#{item['number']} {item['title']}" for item in _open(context, f'label:"{label}"')]
    if held:
        yield Finding("freeze", "bad", f"nothing is released now: {', '.join(held)}", "Wait until it is over.")
    else:
        yield Finding("freeze", "good", "there is none now")


def finished_gate(context: Context, plan: Plan, _: Any) -> Iterator[Finding]:
    """Ask that the last release is published: of the line, or of all."""
    gone = withdrawn_versions(context, plan.line)
    versions = [each for each in line_versions(context, plan.line) if not each.prerelease and each not in gone]
    if not versions:
        yield Finding("finished", "good", "nothing is released yet")
        return
    last = versions[-1]
    there = release_of(context, last)
    if there and not there.draft:
        yield Finding("finished", "good", f"{last} is published")
    elif there is None and not _has_releases(context):
        yield Finding("finished", "good", "no version has a GitHub Release yet")
    else:
        kind = "patch" if last.patch else "minor"
        says = f"{last} is {'a draft' if there else 'without a GitHub Release'}"
        yield Finding("finished", "bad", says, f"Go on with it: inv release.{kind} --version {last}")


def _has_releases(context: Context) -> bool:
    return any(True for _ in github(context).pages("releases"))


def rights_gate(context: Context, _: Plan, __: Any) -> Iterator[Finding]:
    """Ask that the doctor finds nothing in the way."""
    bad = [each for each in findings(context) if each.level == "bad"]
    yield from (Finding("rights", "bad", f"{each.name}: {each.says}", each.fix) for each in bad)
    if not bad:
        yield Finding("rights", "good", "machine, token and rules are fit (inv release.doctor)")


def clock_gate(context: Context, _: Plan, __: Any) -> Iterator[Finding]:
    """Ask that this machine's clock agrees with GitHub's."""
    yield from clock_findings(context)


GATES: Mapping[str, Gate] = {
    "checks": checks_gate,
    "blockers": blockers_gate,
    "backports": backports_gate,
    "freeze": freeze_gate,
    "finished": finished_gate,
    "rights": rights_gate,
    "clock": clock_gate,
}
