"""Take a version back and lose nothing; put it back as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import semver

from release.artifacts.s3 import bucket, hidden_key, s3_address, wheel_key
from release.call.context import Context
from release.call.ensure import ensure
from release.call.texts import markdown_text
from release.errors import Conflict, Usage
from release.git.lines import check_not_burned, line_branch, newest_good, next_patch
from release.git.snapshot import remote
from release.git.withdrawals import LONGEST, Withdrawal, forget_withdrawal, note_withdrawal, withdrawal
from release.github.api import github
from release.github.releases import GitHubRelease, release_of
from release.github.runs import APPEARS
from release.versions import line_of

BEGIN, END = "<!-- withdrawn -->", "<!-- /withdrawn -->"
SUFFIX = " (withdrawn)"
_BLOCK = re.compile(rf"{BEGIN}.*?{END}\n*", re.DOTALL)


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
    _mark_release(context, version, noted)
    _set_latest(context, version)
    if remote(context).tag(str(version)):
        _mark_wheel(context, version, noted)
        if hide:
            _move(context, wheel_key(context, version), hidden_key(context, version))
    return noted


def restore(context: Context, version: semver.Version) -> None:
    """Put a withdrawn version back as it was; writes the same in the opposite order, and the note last."""
    found = withdrawal(context, version)
    if found is None:
        context.report.step("done", f"{version} is not withdrawn")
        return
    key, hidden = wheel_key(context, version), hidden_key(context, version)
    if bucket(context).object(hidden):
        _move(context, hidden, f"{context.settings.sdk.prefix}{hidden.rpartition('/')[2]}")
        key = wheel_key(context, version)
    _remove(context, _marker(key))
    _mark_release(context, version, None)
    latest = _is_best(context, version)
    if latest:
        _latest(context, version)
    forget_withdrawal(context, found)


def _check_begun(context: Context, version: semver.Version) -> None:
    """Raise Usage unless there is something of the version: its tag, or its line's branch where it comes next."""
    check_not_burned(context, version)
    branch = line_branch(context, line_of(version))
    if remote(context).tag(str(version)) or (branch and next_patch(context, line_of(version), "") == version):
        return
    raise Usage(f"there is nothing of {version} to withdraw: neither a tag nor a branch", "See: inv release.status")


def _check_reason(version: semver.Version, reason: str) -> None:
    if not reason.strip():
        hint = f'inv release.withdraw --version {version} --reason "what is wrong with it"'
        raise Usage(f"why is {version} withdrawn?", hint)
    if len(reason) > LONGEST:
        raise Usage(f"the reason has {len(reason)} characters, at most {LONGEST} are allowed", "Link to the rest.")


def _mark_release(context: Context, version: semver.Version, noted: Withdrawal | None) -> None:
    """Have the GitHub Release say that the version is withdrawn, and why; or, of None, no longer."""
    there = release_of(context, version)
    if there is None:
        return
    path = f"releases/{there.id}"

    def _wanted(body: Mapping[str, Any]) -> dict[str, str]:
        name, text = str(body.get("name") or version), str(body.get("body") or "")
        plain = {"name": name.removesuffix(SUFFIX), "body": _BLOCK.sub("", text, count=1)}
        if noted is None:
            return plain
        return {"name": plain["name"] + SUFFIX, "body": _block(noted) + plain["body"]}

    def _find() -> bool | None:
        body = github(context).get(path)
        return True if all(body.get(key) == value for key, value in _wanted(body).items()) else None

    def _write() -> None:
        github(context).send("PATCH", path, {**_wanted(github(context).get(path)), **_rank(there, noted)})

    says = "that it is withdrawn, and why" if noted else "no more that it is withdrawn"
    ensure(context, f"GitHub Release {version} says {says}", find=_find, make=_write, planned=True, patience=APPEARS)


def _rank(there: GitHubRelease, noted: Withdrawal | None) -> dict[str, str]:
    return {"make_latest": "false"} if noted and not there.draft and not there.prerelease else {}


def _block(noted: Withdrawal) -> str:
    """Return the words at the top of the notes: Markdown in a reason is shown, and does nothing."""
    reason = "\n> ".join(map(markdown_text, noted.reason.splitlines()))
    return f"{BEGIN}\n> **Withdrawn** on {noted.at[:10]}: do not use it.\n> {reason}\n{END}\n\n"


def _set_latest(context: Context, version: semver.Version) -> None:
    """Have the highest good version's Release be GitHub's Latest in place of this one."""
    best = newest_good(context, version)
    there = best and release_of(context, best)
    if best and there and not there.draft and not there.prerelease:
        _latest(context, best)


def _is_best(context: Context, version: semver.Version) -> bool:
    """Whether the version, once it is good again, is the highest of all, and has a Release to be Latest."""
    best, there = newest_good(context), release_of(context, version)
    published = there is not None and not there.draft and not there.prerelease
    return published and not version.prerelease and (best is None or version > best)


def _latest(context: Context, version: semver.Version) -> None:
    there = release_of(context, version)

    def _find() -> bool | None:
        found = github(context).find("releases/latest")
        return True if found and found["tag_name"] == str(version) else None

    def _write() -> None:
        if there:
            github(context).send("PATCH", f"releases/{there.id}", {"make_latest": "true"})

    ensure(context, f"GitHub's Latest is {version}", find=_find, make=_write, planned=True, patience=APPEARS)


def _marker(key: str) -> str:
    return f"{key}.withdrawn.json"


def _mark_wheel(context: Context, version: semver.Version, noted: Withdrawal) -> None:
    """Put the note beside the wheel, or where it was."""
    key = wheel_key(context, version)
    if not (bucket(context).object(key) or bucket(context).object(hidden_key(context, version))):
        return
    content = noted.text.encode()
    _copy(context, _marker(key), lambda: content)


def _copy(context: Context, key: str, content: Callable[[], bytes]) -> None:
    """Have these bytes at the key, where nothing is; raise Conflict for others."""

    def _find() -> bool | None:
        there = bucket(context).read(key)
        if there and there[1] != content():
            raise Conflict(f"{s3_address(context, key)} has other bytes", "Find out who put it there.")
        return True if there else None

    make = partial(_create, context, key, content)
    ensure(context, f"{s3_address(context, key)}", find=_find, make=make, planned=True)


def _create(context: Context, key: str, content: Callable[[], bytes]) -> None:
    bucket(context).create_object(key, content())


def _move(context: Context, source: str, target: str) -> None:
    """Copy the object, compare, and remove it only if it is still the one that was compared."""
    there = bucket(context).read(source)
    if there is None:
        return
    stored, content = there
    _copy(context, target, lambda: content)
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
