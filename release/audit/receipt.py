"""A proved release made public: its receipt, an in-toto Statement, and its GitHub Release, a draft until then."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import semver

from release.audit.expected import ExpectedState, expected_state
from release.audit.proofs import Proof, check_proofs, draft_proofs
from release.call.context import Context
from release.call.ensure import ensure, save_file
from release.call.plan import Facts
from release.call.texts import markdown_text
from release.errors import Conflict, Failed, ReleaseError, Usage
from release.git.lines import check_not_burned, line_versions
from release.git.tags import needed_tag, release_scope, tagged_release
from release.git.withdrawals import check_not_withdrawn, withdrawal, withdrawn_versions
from release.github.api import github
from release.github.burned import USED, note_burned
from release.github.pulls import pulls_of
from release.github.releases import GitHubRelease, is_latest, release_of
from release.github.runs import APPEARS
from release.picks.history import TRAILER
from release.versions import line_of, precedence

STATEMENT = "https://in-toto.io/Statement/v1"
MEDIA_TYPE = "application/octet-stream"  # the one that GitHub describes for assets
LARGEST = 8 * 2**20  # bytes of a receipt
Statement = dict[str, Any]
Texts = Mapping[str, str]


def statement(artifacts: Texts, sources: Mapping[str, tuple[str, str]], runs: Texts, parameters: Texts) -> Statement:
    """Return the Statement (in-toto attestation v1) with the predicate of SLSA provenance v1.

    `artifacts` are digests by name, `sources` Git objects (kind and sha) by address, `runs` addresses by workflow,
    `parameters` what else identifies the release: nothing of the moment, so the same release gives the same bytes.
    """
    digests = [(name, *digest.split(":", 1)) for name, digest in sorted(artifacts.items())]
    definition = {
        "buildType": "urn:release-tasks:release:v1",
        "externalParameters": parameters,
        "resolvedDependencies": [{"uri": uri, "digest": {kind: sha}} for uri, (kind, sha) in sorted(sources.items())],
    }
    details = {
        "builder": {"id": parameters.get("repository", "")},
        "metadata": {"invocationId": runs.get("sdk") or next(iter(runs.values()), "")},
        "byproducts": [{"name": name, "uri": url} for name, url in sorted(runs.items())],
    }
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {algorithm: value}} for name, algorithm, value in digests],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": definition, "runDetails": details},
    }


def receipt_of(context: Context, expected: ExpectedState, proofs: Sequence[Proof]) -> Statement:
    """Return what the proofs of a version found, as a receipt."""
    home, tag = github(context).web_url, expected.tag
    kind = "gitTag" if tag.target != tag.sha else "gitCommit"
    sources = {f"git+{home}@{tag.sha}": ("gitCommit", tag.sha), f"git+{home}@{tag.name}": (kind, tag.target)}
    artifacts = {name: digest for proof in proofs for name, digest in proof.digests.items()}
    runs = {proof.name.removesuffix(" run"): proof.run for proof in proofs if proof.run}
    return statement(artifacts, sources, runs, {"repository": home, "version": str(expected.version)})


def proved_receipt(context: Context, version: semver.Version) -> Statement:
    """Return the receipt of a version that is proved but for its GitHub Release; raise Failed naming what is not."""
    expected = expected_state(context, version)
    proofs = draft_proofs(context, expected)
    for proof in proofs:
        if not proof.holds:
            context.report.step("failed", f"{proof.name}: {proof.says}")
    check_proofs(version, proofs)
    return receipt_of(context, expected, proofs)


def attach_receipt(context: Context, release: GitHubRelease, receipt: Statement) -> None:
    """Add the receipt to the GitHub Release; raise Conflict when it has another one, writes at most once."""
    name = f"{release.key}.intoto.json"
    ensure(
        context,
        f"{name} attached to GitHub Release {release.key}",
        find=lambda: _asset_id(context, release, name, receipt),
        make=lambda: _upload(context, release, name, receipt),
        planned=0,
        patience=APPEARS,
    )


def keep_receipt(context: Context, file: Path, receipt: Statement) -> None:
    """Write the receipt where there is none; one that is there says the same, or this is not called."""
    if file.is_file():
        context.report.step("done", f"receipt {file}: nothing changed")
    else:
        save_file(context, f"receipt {file}", file, _text(receipt))


def file_differences(file: Path, receipt: Statement) -> list[str]:
    """Return what the receipt in the file says otherwise; nothing when there is no such file."""
    if not file.is_file():
        return []
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST)  # one that is cut is no JSON
    except OSError as error:
        raise Usage(f"{file} cannot be read: {error.strerror}", "Name another file.") from error
    return differences(parse(content, str(file)), receipt)


def parse(content: str | bytes, place: str, kind: type[ReleaseError] = Usage) -> Statement:
    """Read a receipt; raise Usage, or the kind that is told, naming the place when it is none."""
    found = None
    with suppress(ValueError, RecursionError):
        found = json.loads(content)
    if not isinstance(found, dict) or found.get("_type") != STATEMENT:
        raise kind(f"{place} is no receipt: no in-toto Statement in JSON", "Name another file, or remove it.")
    return found


def differences(before: Statement, after: Statement) -> list[str]:
    """Say, a line each, what the later Statement has otherwise; raise Usage when the earlier one is not of our form."""
    try:
        old = dict(_facts(before))
    except (AttributeError, TypeError, RecursionError) as error:  # anybody may have written it
        raise Usage("the receipt is a Statement of another form", "Name another file, or remove it.") from error
    new = dict(_facts(after))
    told = [
        *(f"{name}: was {old[name]}, is gone" for name in sorted({*old} - {*new})),
        *(f"{name}: was {old[name]}, is {new[name]}" for name in sorted({*old} & {*new}) if old[name] != new[name]),
        *(f"{name}: is new, {new[name]}" for name in sorted({*new} - {*old})),
    ]
    # A digest given twice, another builder: what it says to others is not what a look at ours alone finds in it.
    return told or ([] if before == after else ["the Statement: it says more, or of another type or builder"])


def _text(receipt: Statement) -> str:
    """Return the Statement as a file has it: sorted, so that the same release gives the same bytes."""
    return json.dumps(receipt, indent=2, sort_keys=True) + "\n"


def _upload(context: Context, release: GitHubRelease, name: str, receipt: Statement) -> None:
    if release.immutable:
        hint = "Keep the receipt elsewhere (--receipt FILE); next time attach it to the draft."
        raise Failed("this GitHub Release is immutable: nothing can be added to it", hint)
    github(context).upload(release.upload_url, name, _text(receipt).encode(), MEDIA_TYPE)


def _asset_id(context: Context, release: GitHubRelease, name: str, receipt: Statement) -> int | None:
    assets = github(context).pages(f"releases/{release.id}/assets")
    number = next((int(asset["id"]) for asset in assets if asset["name"] == name), None)
    if number is not None:
        content = github(context).content(f"releases/assets/{number}", accept=MEDIA_TYPE)
        changed = "\n".join(differences(parse(content, name, Conflict), receipt))
        if changed:
            raise Conflict(f"{name} is attached and says otherwise:\n{changed}", f"Find out why: {release.url}")
    return number


def _facts(made: Statement) -> Iterator[tuple[str, str]]:
    """Take a Statement of any content apart, as far as it is one of ours."""
    predicate = made.get("predicate") or {}
    definition, details = predicate.get("buildDefinition") or {}, predicate.get("runDetails") or {}
    for item in made.get("subject") or []:
        yield str(item.get("name")), _digest(item)
    for item in definition.get("resolvedDependencies") or []:
        yield str(item.get("uri")), _digest(item)
    for item in details.get("byproducts") or []:
        yield f"run {item.get('name')}", str(item.get("uri"))
    for name, value in (definition.get("externalParameters") or {}).items():
        yield name, str(value)


def _digest(item: Mapping[str, Any]) -> str:
    return ", ".join(f"{kind}:{value}" for kind, value in sorted((item.get("digest") or {}).items()))


def draft_release(context: Context, version: semver.Version) -> GitHubRelease:
    """Return the version's GitHub Release, drafting it with generated notes where there is none.

    Of two that are drafted at one moment the first counts: GitHub takes any number, and whose is later deletes it.
    Raises Conflict for a version that was taken back.
    """
    check_not_withdrawn(context, version)
    made: list[int] = []
    found = ensure(
        context,
        f"GitHub Release {version}",
        find=lambda: release_of(context, version),
        make=lambda: made.append(github(context).send("POST", "releases", _release_body(context, version))["id"]),
        planned=GitHubRelease(0, True, "", key=str(version)),
        patience=APPEARS,
        facts=lambda _: {"draft": str(version)},
    )
    for path in (f"releases/{number}" for number in made if number != found.id):
        ensure(
            context,
            f"draft {path} deleted: {found.url} was made at the same moment",
            find=partial(_is_gone, context, path),
            make=partial(github(context).send, "DELETE", path),
            planned=True,
        )
    return found


def _is_gone(context: Context, path: str) -> bool | None:
    return True if github(context).find(path) is None else None


def publish_release(context: Context, version: semver.Version, draft: GitHubRelease) -> GitHubRelease:
    """Return the version's GitHub Release, published once all else of the version is proved.

    Writes the receipt, then the draft flag. Raises Failed, naming the proofs that do not hold.
    """
    looked = [draft]

    def _find() -> GitHubRelease | None:
        now = looked.pop() if looked else release_of(context, version)
        check_not_withdrawn(context, version)
        if now is None or now.draft:
            check_not_burned(context, version)
            return None
        return now

    # The receipt goes first: once published it may be immutable.
    def _publish() -> None:
        attach_receipt(context, draft, proved_receipt(context, version))
        # Left out, make_latest is true; and a draft may have been written by hand.
        latest = "true" if is_latest(context, version) else "false"
        rank = {"prerelease": bool(version.prerelease), "make_latest": latest}
        try:
            github(context).send("PATCH", f"releases/{draft.id}", {"draft": False, **rank})
        except Failed as error:
            if USED in error.problem:
                note_burned(context, version, needed_tag(context, version).sha)
            raise

    def _facts(there: GitHubRelease | None) -> Facts:
        rank = {} if there else {"latest": is_latest(context, version), "prerelease": bool(version.prerelease)}
        return {"release": str(version), **rank}

    what = f"GitHub Release {version} published"
    return ensure(context, what, find=_find, make=_publish, planned=draft, patience=APPEARS, facts=_facts)


def previous_version(versions: list[semver.Version], version: semver.Version) -> semver.Version | None:
    """Return the version before it: of its line if there is one, else the highest below it; no pre-releases."""
    below = [each for each in versions if precedence(each) < precedence(version) and not each.prerelease]
    on_line = [each for each in below if line_of(each) == line_of(version)]
    return max(on_line or below, default=None, key=precedence)


def _release_body(context: Context, version: semver.Version) -> dict[str, Any]:
    gone = withdrawn_versions(context)
    before = previous_version([each for each in line_versions(context) if each not in gone], version)
    since = [each for each in gone if each < version and (before is None or before < each)]
    asked = {"tag_name": str(version), **({"previous_tag_name": str(before)} if before else {})}
    generated = github(context).send("POST", "releases/generate-notes", asked)
    if not generated:
        raise Usage("GitHub generates no notes here")
    picks = list(_pick_lines(context, before, version)) if before else []
    listed = "\n".join(["## Picked", *picks, "", ""] if picks else [])
    body = release_scope(tagged_release(context, version)) + _withdrawn(context, since) + listed + generated["body"]
    facts = {"draft": True, "prerelease": bool(version.prerelease)}
    return {"tag_name": str(version), "name": str(version), "body": body, **facts}


def _withdrawn(context: Context, versions: Sequence[semver.Version]) -> str:
    """Return a line for each of these versions, which were taken back: why."""
    told = [found for each in versions if (found := withdrawal(context, each))]
    lines = [f"* {each.version}: {markdown_text(each.brief)}" for each in told]
    return "\n".join(["## Withdrawn", *lines, "", ""] if lines else [])


def _pick_lines(context: Context, before: semver.Version, version: semver.Version) -> Iterator[str]:
    """Yield a line for each pull request that a pick since `before` came from: GitHub's notes do not know them."""
    seen: set[int] = set()
    for commit in github(context).pages(f"compare/{before}...{version}", key="commits"):
        for sha in TRAILER.findall(commit["commit"]["message"]):
            for pull in pulls_of(context, sha):
                if pull.merged and pull.number not in seen:
                    seen.add(pull.number)
                    yield f"* {pull.title} by @{pull.author or 'ghost'} in {pull.url}"
