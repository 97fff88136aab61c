"""Names of tags that GitHub gives out no more: an immutable release had them and was deleted (F35)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import semver

from release.call.context import Context
from release.errors import Failed, ReleaseError
from release.git.lines import check_not_burned
from release.git.refs import BURNED, TAGS, Push, ref_matches
from release.git.repository import repository
from release.git.tags import push_tag
from release.github.api import github

USED = "was used by an immutable release"  # what a Release is refused with
RESTRICTED = "creations being restricted"  # what a push is refused with, by a rule of that kind too


def push_version_tag(
    context: Context, version: semver.Version, sha: str, *also: Push, message: str = "", sign: bool = False
) -> None:
    """Write the tag and push it as `push_tag` does; raise Conflict for a name that is burned, which is noted."""
    try:
        push_tag(context, version, sha, *also, message=message, sign=sign)
    except Failed as error:
        if _is_burned(context, version, error.problem):
            note_burned(context, version, sha)
        raise


def note_burned(context: Context, version: semver.Version, sha: str) -> None:
    """Note on the remote that the version's name is burned, and raise Conflict.

    GitHub tells it of no name but by refusing it; the next call, anybody's, shall know it without that.
    """
    with suppress(ReleaseError):  # a remote that takes no such ref: the next call is refused anew
        repository(context).push([Push(f"{BURNED}{version}", sha)])
        context.report.step("made", f"{BURNED}{version} on the remote: nobody tries that name again")
    context.look_anew()
    check_not_burned(context, version)


def _is_burned(context: Context, version: semver.Version, words: str) -> bool:
    """Whether a push was refused in these words for a burned name: a rule that says the same is listed."""
    if RESTRICTED not in words or f"{TAGS}{version}." not in words:
        return False
    with suppress(Failed):
        return "creation" not in tag_rules(context, str(version))
    return False  # who may not read the rules cannot tell


def tag_rules(context: Context, name: str) -> set[str]:
    """Return the types of the rules that are in force for a tag of that name."""
    listed = github(context).pages("rulesets", targets="tag")
    rulesets = [github(context).get(f"rulesets/{each['id']}") for each in listed]
    active = [each for each in rulesets if each.get("target") == "tag" and each.get("enforcement") == "active"]
    return {rule["type"] for each in active if covers(each, f"{TAGS}{name}") for rule in each.get("rules") or []}


def covers(ruleset: Mapping[str, Any], ref: str) -> bool:
    """Tell whether a ruleset, as GitHub describes it, means a full ref name."""
    names = (ruleset.get("conditions") or {}).get("ref_name") or {}
    included, excluded = names.get("include") or [], names.get("exclude") or []
    matches = any(pattern == "~ALL" or ref_matches(pattern, ref) for pattern in included)
    return matches and not any(ref_matches(pattern, ref) for pattern in excluded)
