"""Take a version back and lose nothing; put it back as it was."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import semver

from release.artifacts.component_release import is_sdk
from release.artifacts.s3 import MARKER, bucket, s3_address, wheel_places
from release.call.context import Context
from release.call.ensure import ensure
from release.call.texts import markdown_text
from release.errors import Conflict, Usage
from release.git.lines import check_not_burned, line_branch, next_patch
from release.git.snapshot import remote
from release.git.tags import tagged_release
from release.git.withdrawals import LONGEST, Withdrawal, forget_withdrawal, note_withdrawal, withdrawal
from release.github.api import github
from release.github.releases import MOST, GitHubRelease, best_release, release_of
from release.github.runs import APPEARS
from release.versions import line_of, parse

SUFFIX, UNTITLED = " (withdrawn)", ": withdrawn"  # at the end of a title, and after the version where there is none


def withdraw(context: Context, version: semver.Version, reason: str, hide: bool) -> Withdrawal:
    """Take the version back: its number stays used, its tag, wheel and images stay where they are.

    Writes the note that all tasks go by, the text of its GitHub Release, what is Latest, and a marker beside the
    wheel; with `hide` the wheel moves to `withdrawn/`. Killed anywhere, the same call goes on.
    Raises Usage without a reason, and for a version that there is nothing of.
    """
    found = withdrawal(context, version)
    if found is None:
        _check_begun(context, version)
        _check_reason(version, reason)
    noted = note_withdrawal(context, version, reason)
    _pass_latest(context, version)
    _mark_release(context, version, noted, withdrawn=True)
    if _may_have_wheel(context, version):
        key, hidden = wheel_places(context, version)
        _mark_wheel(context, noted, key, hidden)
        if hide:
            _move(context, key, hidden)
    return noted


def restore(context: Context, version: semver.Version) -> None:
    """Put a withdrawn version back as it was; writes the same in the opposite order, and the note last."""
    noted = withdrawal(context, version)
    if noted is None:
        context.report.step("done", f"{version} is not withdrawn")
        return
    if _may_have_wheel(context, version):
        key, hidden = wheel_places(context, version)
        _move(context, hidden, key)
        _remove(context, _marker(key))
    _mark_release(context, version, noted, withdrawn=False)
    _regain_latest(context, version)
    forget_withdrawal(context, noted)


def _check_begun(context: Context, version: semver.Version) -> None:
    """Raise Usage unless there is something of the version: its tag, or its line's branch where it comes next."""
    check_not_burned(context, version)
    branch = line_branch(context, line_of(version))
    if remote(context).tag(str(version)) or (branch and next_patch(context, line_of(version), "") == version):
        return
    raise Usage(f"there is nothing of {version} to withdraw: neither a tag nor a branch", "See: inv release.status")


def _may_have_wheel(context: Context, version: semver.Version) -> bool:
    """Whether a wheel may belong to the version: S3 is not asked about a component that has none."""
    told, known = tagged_release(context, version), context.settings.components
    parts = told.components if told else ()
    return bool(told and not parts) or any(name not in known or is_sdk(context, known[name]) for name in parts)


def _check_reason(version: semver.Version, reason: str) -> None:
    if not reason.strip():
        hint = f'inv release.withdraw --version {version} --reason "what is wrong with it"'
        raise Usage(f"why is {version} withdrawn?", hint)
    if len(reason) > LONGEST:
        raise Usage(f"the reason has {len(reason)} characters, at most {LONGEST} are allowed", "Link to the rest.")


def _mark_release(context: Context, version: semver.Version, noted: Withdrawal, withdrawn: bool) -> None:
    """Have the GitHub Release say that the version is withdrawn, and why; or no longer."""
    there = release_of(context, version)
    if there is None:
        return
    path = f"releases/{there.id}"
    wanted = _with_mark if withdrawn else _without_mark

    def _find() -> bool | None:
        body = github(context).get(path)
        return True if _same(body, wanted(body, noted)) else None

    def _write() -> None:
        rank = {"make_latest": "false"} if withdrawn and there.is_out else {}
        github(context).send("PATCH", path, {**wanted(github(context).get(path), noted), **rank})

    says = "that it is withdrawn, and why" if withdrawn else "no more that it is withdrawn"
    ensure(context, f"GitHub Release {version} says {says}", find=_find, make=_write, planned=True, patience=APPEARS)


def _same(body: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Whether a Release has this title and text, by whatever GitHub's editor makes of the ends of lines."""
    return all(_lines(str(body.get(key) or "")) == _lines(text) for key, text in wanted.items())


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


def _with_mark(body: Mapping[str, Any], noted: Withdrawal) -> dict[str, str]:
    plain = _without_mark(body, noted)
    # As much of the reason as there is room for: nothing of the notes is lost to it.
    room = MOST - len(plain["body"])
    blocks = (_block(noted, reason) for reason in (noted.reason, noted.brief, ""))
    block = next((each for each in blocks if len(each) <= room), "")
    name = f"{plain['name']}{SUFFIX}" if plain["name"] else f"{noted.version}{UNTITLED}"
    return {"name": name, "body": block + plain["body"]}


def _without_mark(body: Mapping[str, Any], noted: Withdrawal) -> dict[str, str]:
    """Return title and text as they were before, byte for byte."""
    name, text, (begin, end) = str(body.get("name") or ""), str(body.get("body") or ""), _bounds(noted)
    plain = "" if name == f"{noted.version}{UNTITLED}" else name.removesuffix(SUFFIX)
    block = re.compile(rf"{re.escape(begin)}.*?{re.escape(end)}(?:\r?\n){{0,2}}", re.DOTALL)
    return {"name": plain, "body": block.sub("", text, count=1)}


def _bounds(noted: Withdrawal) -> tuple[str, str]:
    """Return what is before and after our words in the notes; the note's own sha: no notes have that by chance."""
    return f"<!-- withdrawn {noted.sha} -->", f"<!-- /withdrawn {noted.sha} -->"


def _block(noted: Withdrawal, reason: str) -> str:
    """Return the words at the top of the notes: Markdown in a reason is shown, and does nothing."""
    begin, end = _bounds(noted)
    lines = [
        f"**Withdrawn** on {markdown_text(noted.at[:10])}: do not use it.",
        *map(markdown_text, reason.splitlines()),
    ]
    return "\n".join([begin, *(f"> {line}" for line in lines), end, "", ""])


def _pass_latest(context: Context, version: semver.Version) -> None:
    """Have the highest good version's Release be GitHub's Latest where this one is.

    It goes before the mark, which takes the rank away: after a kill nothing would tell that this one had it.
    """
    if _latest(context) != str(version):
        return
    best = best_release(context, version)
    if best:
        _make_latest(context, best)
    else:
        context.report.step("note", f"GitHub's Latest stays {version}: no other version is published")


def _regain_latest(context: Context, version: semver.Version) -> None:
    """Have the version's Release be Latest again where it is the highest good one that is published (F30)."""
    there, best = release_of(context, version), best_release(context, version)
    if there and there.is_out and not version.prerelease and (best is None or parse(best.key) < version):
        _make_latest(context, there)


def _make_latest(context: Context, there: GitHubRelease) -> None:
    ensure(
        context,
        f"GitHub's Latest is {there.key}",
        find=lambda: True if _latest(context) == there.key else None,
        make=lambda: github(context).send("PATCH", f"releases/{there.id}", {"make_latest": "true"}),
        planned=True,
        patience=APPEARS,
    )


def _latest(context: Context) -> str:
    found = github(context).find("releases/latest")
    return str(found["tag_name"]) if found else ""


def _marker(key: str) -> str:
    return f"{key}{MARKER}"


def _mark_wheel(context: Context, noted: Withdrawal, key: str, hidden: str) -> None:
    """Put the note beside the wheel, or where it was."""
    if bucket(context).object(key) or bucket(context).object(hidden):
        _copy(context, _marker(key), noted.text.encode(), {"ContentType": "application/json"})


def _copy(context: Context, key: str, content: bytes, headers: Mapping[str, Any]) -> None:
    """Have these bytes at the key, where nothing is; raise Conflict for others."""

    def _find() -> bool | None:
        there = bucket(context).read(key)
        if there and there[1] != content:
            raise Conflict(f"{s3_address(context, key)} has other bytes", "Find out who put it there.")
        return True if there else None

    make = partial(bucket(context).create_object, key, content, headers)
    ensure(context, s3_address(context, key), find=_find, make=make, planned=True)


def _move(context: Context, source: str, target: str) -> None:
    """Copy the object if it is there, compare, and remove it only if it is still the one that was compared."""
    there = bucket(context).read(source)
    if there is None:
        return
    stored, content = there
    _copy(context, target, content, stored.headers)
    _remove(context, source, stored.etag)


def _remove(context: Context, key: str, etag: str = "") -> None:
    """Remove the object if it is there, and still the one seen."""
    seen = bucket(context).object(key)
    if seen is None:
        return

    def _find() -> bool | None:
        return True if bucket(context).object(key) is None else None

    make = partial(bucket(context).delete_object, key, etag or seen.etag)
    ensure(context, f"{s3_address(context, key)} removed", find=_find, make=make, planned=True)
