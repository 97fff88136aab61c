"""What the real world has, read with the user's own credentials and never written to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from release.artifacts.images import registry
from release.artifacts.s3 import bucket
from release.call.context import Context
from release.call.parallel import side_by_side
from release.call.texts import amount
from release.errors import ReleaseError
from release.git.refs import BURNED, HEADS, TAGS, WITHDRAWN
from release.git.snapshot import remote, trunk
from release.github.api import github
from release.github.burned import tag_rules
from release.github.commits import branch_rules
from release.sandbox.git import GitError
from release.versions import Line, line_of, parse_image_tag, released_versions

PULLS, RELEASES, WHEELS, IMAGES, KEYS = 100, 30, 20, 500, 5_000  # the most that are taken over
LINES = 2  # the newest lines, with whatever may be above them
A_TAG = "99.99.99"  # named as they are to be, and not there
BRANCHES = {"release-*": "release-99.99-20990101", "image-*": f"image-{A_TAG}"}
OTHER_SHAPES = (AttributeError, KeyError, TypeError, ValueError)  # what comes of using what is not as it should be
Json = dict[str, Any]
Rules = dict[str, dict[str, Json]]  # by full ref pattern, then by type


@dataclass
class Outside:
    """What was found, each part empty where it could not be read; `notes` say what was, and why the rest was not."""

    refs: dict[str, str] | None = None  # the objects of branches and tags
    repository: Json = field(default_factory=dict)
    pulls: list[Json] = field(default_factory=list)
    releases: list[Json] = field(default_factory=list)
    rules: Rules = field(default_factory=dict)
    environments: dict[str, Json] = field(default_factory=dict)  # by name
    wheels: dict[str, bytes] = field(default_factory=dict)
    images: dict[str, dict[str, str]] | None = None  # digests by tag, by repository
    notes: list[str] = field(default_factory=list)


def read_outside(context: Context) -> Outside:
    """Read all parts side by side; what cannot be read is noted in a line, and stops nothing."""
    found = Outside()
    for door in (github, remote):  # opened once, and not in each thread
        with suppress(ReleaseError):  # told by the part that needs it
            door(context)
    refs = _noted(found, "branches and tags", _read_refs, context)
    parts: dict[str, Callable[[Context, Outside], str]] = {
        "the repository's settings": _read_repository,
        "pull requests": _read_pulls,
        "GitHub Releases": _read_releases,
        "rules": _read_rules,
        "environments": _read_environments,
        "keys": _read_wheels,
        "images": _read_images,
    }
    found.notes = [refs, *side_by_side([partial(_noted, found, name, read, context) for name, read in parts.items()])]
    return found


def _noted(found: Outside, name: str, read: Callable[[Context, Outside], str], context: Context) -> str:
    return attempt(name, lambda: f"taken over: {read(context, found)}")


def attempt(name: str, act: Callable[[], str]) -> str:
    """Return what it says, or in a line why it could not be done: whoever answers may answer anything."""
    try:
        said = act()
    except ReleaseError as error:
        said = f"not taken over: {name}: {(error.problem.splitlines() or ['it failed'])[0]}"
    except GitError as error:
        said = f"not taken over: {name}: Git: {str(error).splitlines()[-1]}"
    except OTHER_SHAPES as error:
        said = f"not taken over: {name}: the answer has another shape ({type(error).__name__})"
    return " ".join(said.split())


def _read_refs(context: Context, found: Outside) -> str:
    remote(context).look_at_all()
    notes = [*remote(context).burned(), *remote(context).withdrawn()]
    refs = [*remote(context).heads("**/*"), *remote(context).tags(), *notes]
    found.refs = {ref.name: ref.target for ref in refs if ref.name.startswith((HEADS, TAGS, BURNED, WITHDRAWN))}
    return f"{len(found.refs)} branches and tags"


def _read_repository(context: Context, found: Outside) -> str:
    told = github(context).get("")
    may = (told.get("permissions") or {}).get("push")
    found.repository = told
    return f"the repository's settings; this token {'may' if may else 'may not'} push"


def _read_pulls(context: Context, found: Outside) -> str:
    listed = list(islice(github(context).pages("pulls", state="open", per_page=PULLS), PULLS))
    own = github(context).repository.lower()
    found.pulls = [each for each in listed if ((each["head"].get("repo") or {}).get("full_name") or "").lower() == own]
    left = f", without {len(listed) - len(found.pulls)} of forks" if len(listed) > len(found.pulls) else ""
    return f"{amount(len(found.pulls), 'open pull request')}{left}{_cut(listed, PULLS)}"


def _read_releases(context: Context, found: Outside) -> str:
    found.releases = list(islice(github(context).pages("releases", per_page=RELEASES), RELEASES))
    return f"{amount(len(found.releases), 'GitHub Release')}{_cut(found.releases, RELEASES)}"


def _cut(found: list[Json], most: int) -> str:
    return f", the newest {most}" if len(found) >= most else ""


def _read_rules(context: Context, found: Outside) -> str:
    """Ask GitHub which rules hold for the trunk and for branches and tags as a release names them."""
    names = {trunk(context): trunk(context), **BRANCHES}
    bypassed: dict[int, bool] = {}
    for pattern, name in names.items():
        rules = [each for each in branch_rules(context, name) if not _is_bypassed(context, each, bypassed)]
        found.rules[f"{HEADS}{pattern}"] = {each["type"]: each.get("parameters") or {} for each in rules}
    found.rules[f"{TAGS}*"] = {kind: {} for kind in tag_rules(context, A_TAG)}
    classic, unread = _classic_protection(context, trunk(context))
    for kind, given in classic.items():
        found.rules[f"{HEADS}{trunk(context)}"].setdefault(kind, given)
    kinds = sorted({kind for rules in found.rules.values() for kind in rules})
    return f"{amount(len(kinds), 'kind')} of rules{': ' if kinds else ''}{', '.join(kinds)}{unread}"


def _is_bypassed(context: Context, rule: Json, known: dict[int, bool]) -> bool:
    """Tell whether this token's user goes past the rule's ruleset."""
    number = rule.get("ruleset_id") or 0
    if number not in known:
        ruleset = github(context).find(f"rulesets/{number}", (403, 404)) or {}
        known[number] = ruleset.get("current_user_can_bypass") in ("always", "exempt")
    return known[number]


def _classic_protection(context: Context, branch: str) -> tuple[dict[str, Json], str]:
    """Return a branch's older protection as rules have it, and a word where this token sees a part of it alone."""
    seen = github(context).find(f"branches/{branch}") or {}
    if not seen.get("protected"):
        return {}, ""
    whole = github(context).find(f"branches/{branch}/protection", (403, 404))
    protection = whole or seen.get("protection") or {}
    rules: dict[str, Json] = {}
    contexts = (protection.get("required_status_checks") or {}).get("contexts") or []
    if contexts:
        rules["required_status_checks"] = {"required_status_checks": [{"context": each} for each in contexts]}
    if reviews := protection.get("required_pull_request_reviews"):
        count = reviews.get("required_approving_review_count", 0)
        rules["pull_request"] = {"required_approving_review_count": count}
    if (protection.get("required_linear_history") or {}).get("enabled"):
        rules["required_linear_history"] = {}
    return rules, "" if whole else f"; of {branch}'s older protection this token sees a part"


def _read_environments(context: Context, found: Outside) -> str:
    """Read what protects each, and where that says so by which branches and tags it may be used."""
    listed = github(context).find("environments", (403, 404), per_page=100)
    if listed is None:
        return "no environment that this token may see"
    for each in listed.get("environments") or []:
        policy = each.get("deployment_branch_policy") or {}
        path = f"environments/{quote(each['name'], safe='')}/deployment-branch-policies"
        named = github(context).find(path, (403, 404), per_page=100) if policy.get("custom_branch_policies") else None
        found.environments[each["name"]] = {**each, **(named or {})}
    return amount(len(found.environments), "environment")


def _read_wheels(context: Context, found: Outside) -> str:
    """Read the newest lines' wheels whole: the release compares what is out."""
    sdk, floor = context.settings.sdk, _floor(found)
    listed = list(islice(bucket(context).objects(sdk.prefix), KEYS))
    newest = sorted((each for each in listed if _wheel_line(each.key) >= floor), key=lambda each: each.modified)
    for each in newest[-WHEELS:]:
        there = bucket(context).read(each.key)
        if there:
            found.wheels[each.key] = there[1]
    more = "" if len(listed) < KEYS else " or more"
    return f"{len(found.wheels)} of {len(listed)}{more} keys below s3://{sdk.bucket}/{sdk.prefix}"


def _floor(found: Outside) -> Line:
    """Return the oldest of the newest lines: what is below it, no release asks for."""
    names = [name.removeprefix(TAGS) for name in found.refs or {} if name.startswith(TAGS)]
    lines = sorted({line_of(version) for version in released_versions(names)})
    return lines[-LINES:][0] if lines else Line(0, 0)


def _wheel_line(key: str) -> Line:
    try:
        version = parse_wheel_filename(key.rpartition("/")[2])[1]
    except InvalidWheelFilename:
        return Line(-1, -1)
    return Line(version.major, version.minor)


def _read_images(context: Context, found: Outside) -> str:
    """Read the digests of the tags with the newest versions; one without may be a base image, and is left out."""
    images: dict[str, dict[str, str]] = {}
    for name in context.settings.image_repositories:
        listed = registry(context).image_digests(name, _newest_tags)
        images[name] = {tag: listed[tag] for tag in _newest_tags(listed)}
    found.images = images
    return f"{amount(sum(map(len, images.values())), 'image tag')} of {', '.join(images) or 'no repository'}"


def _newest_tags(tags: Iterable[str]) -> list[str]:
    known = {tag: taken.version for tag in tags if (taken := parse_image_tag(tag))}
    return sorted(known, key=lambda tag: known[tag], reverse=True)[:IMAGES]
