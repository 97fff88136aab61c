"""The proofs of a release, a function each: it asks the world outside, remembers nothing, says what it saw."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import semver

from release.artifacts.component_release import check_component_roles
from release.artifacts.image_release import image_run
from release.artifacts.images import digests, registry, runner_images, tagged_images
from release.artifacts.s3 import bucket, s3_address, stored_wheel, wheel_key
from release.audit.expected import ExpectedState
from release.call.context import Context
from release.call.parallel import answers_of
from release.errors import Failed, ReleaseError
from release.git.refs import HEADS, RemoteRef, short_name
from release.git.repository import repository
from release.git.snapshot import remote, trunk
from release.git.tags import signature, trunk_sha
from release.git.withdrawals import withdrawal
from release.github.api import github
from release.github.commits import contains, image_commit
from release.github.dispatch import right_runs
from release.github.events import pushed_runs
from release.github.pulls import pulls_of
from release.github.releases import is_latest, release_of
from release.github.requests import sdk_request
from release.github.runs import Run, parse_time
from release.versions import line_of, released_versions

WHO = "Find out who tagged it."


@dataclass(frozen=True)
class Proof:
    """One line of a verification; `digests` by artifact's name and `run` go into the receipt, `fix` comes next.

    `absent` is what need not be there and is not: nothing is wrong, and nothing proved.
    """

    name: str
    holds: bool
    says: str
    url: str = ""
    fix: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    unknown: bool = False
    absent: bool = False


Check = Callable[[Context, ExpectedState], Iterator[Proof]]


def tag_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Prove that the tag is there, peeled, with a signature that holds if it has one (F9, F12)."""
    kind = "annotated" if expected.tag.target != expected.tag.sha else "lightweight"
    yield Proof("tag", True, f"{expected.version} is at {expected.tag.sha[:9]}, {kind}")
    found = signature(repository(context), expected.tag)
    says = f"{found.kind} {found.says}" if found else "not signed"
    yield Proof("signature", not found or found.good is not False, says, fix=WHO, absent=not found)


def withdrawal_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Say of a version that was taken back that it was, and why: it is no release to use."""
    found = withdrawal(context, expected.version)
    if found:
        says = f"by {found.who} on {found.at[:10]}: {found.reason}"
        yield Proof("withdrawn", False, says, fix=f"Take the next: inv release.next --line {line_of(expected.version)}")


def branch_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Prove that the commit is on its line's branch or, for an individual release, on the trunk."""
    if expected.branch:
        yield Proof("branch", True, f"on {short_name(expected.branch)}")
    elif expected.on_trunk:
        yield Proof("branch", True, f"on {trunk(context)}, an individual release of {expected.component or 'nothing'}")
    else:
        where = f"on no release branch of {line_of(expected.version)}, nor on {trunk(context)}"
        yield Proof("branch", False, f"{expected.tag.sha[:9]} is {where}", fix=WHO)


def order_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Prove that on its branch the versions of the line come one after the other."""
    head = expected.branch.sha if expected.branch else expected.tag.sha
    line = line_of(expected.version)
    tags = {short_name(ref): ref for ref in remote(context).tags(f"{line}.")}
    lower = [each for each in released_versions(tags) if each < expected.version]
    between = f"compare/{expected.tag.sha}...{head}"  # asked once, however many versions the line has
    after = {each["sha"] for each in github(context).pages(between, key="commits")} if head != expected.tag.sha else ()
    wrong = [each for each in lower if tags[str(each)].sha in after]
    says = f"after {lower[-1]}" if lower else f"the first of {line}"
    says = f"{wrong[-1]} is on the branch after {expected.version}" if wrong else says
    yield Proof("order", not wrong, says, fix="Find out who tagged them; take the next version.")
    same = set(map(short_name, remote(context).tags_at(expected.tag.sha))) - {str(expected.version)}
    others = ", ".join(map(str, released_versions(same)))
    says = f"{others} is tagged at {expected.tag.sha[:9]} too" if others else "no other version is tagged there"
    yield Proof("alone", expected.shared or not others, says, fix="If that is meant: --shared." if others else "")


def config_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Prove that config.py at the tag names an image version, no later one than the release's own."""
    where = context.settings.image.config_file
    if not where:  # a project without the constant
        return
    if expected.image is None:
        yield Proof("config.py", False, f"{where} names no image", fix="Set image.config_file in invoke.yaml.")
    else:
        fix = f"Release that image: inv image.release --version {expected.image}"
        alone = expected.branch is None and expected.on_trunk  # an individual release
        holds = alone or expected.image <= expected.version
        yield Proof("config.py", holds, f"{where} names image {expected.image}", fix=fix)


def wheel_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Prove the wheel, byte for byte: its key, its name, its version, every file in it by its hash (F20, S6)."""
    if not expected.wheel:
        return
    key = wheel_key(context, expected.version)
    place, there = s3_address(context, key), bucket(context).read(key)
    if there is None:
        yield Proof("wheel", False, f"{place} is not there", fix=f"inv sdk.release --version {expected.version}")
        return
    digest = f"sha256:{hashlib.sha256(there[1]).hexdigest()}"
    says, problem = f"{place}  {digest[:19]}", ""
    try:
        stored_wheel(context, *there, expected.version)
    except Failed as error:
        says = problem = f"{place}: {error.problem}"
    fix = "Do not install it. Find out who changed it, then take the next version."
    # The digest of a wheel that is wrong too: a receipt says what it was.
    yield Proof("wheel", not problem, says, fix=fix, digests={place: digest})


def sdk_images_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Prove that every SDK image of the version that config.py names is in the registry (F21)."""
    if expected.image is None:
        return
    for name, digest in digests(context, runner_images(context, expected.image)).items():
        yield _image(name, digest, f"inv image.release --version {expected.image}")


def platform_images_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Prove that every platform image has the tag."""
    for name, digest in digests(context, tagged_images(expected.images, expected.version)).items():
        yield _image(name, digest, f"inv platform.watch --version {expected.version}")


def sdk_run_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Prove that a run of the SDK workflow at the tag's commit did all its jobs before the wheel came (F4, F26)."""
    if not expected.wheel:
        return
    request = sdk_request(context, expected.tag)
    right = list(right_runs(context, request))
    stored = bucket(context).object(wheel_key(context, expected.version))
    # Later ones did other things, or found it there.
    able = [each for each in right if not stored or parse_time(each.created_at) <= stored.modified]
    if able:
        yield _run("sdk run", able[0])
    elif right:
        says = f"the wheel is older than run {right[0].id}"
        yield Proof("sdk run", False, says, right[0].url, "Find out what made it.")
    else:
        yield _no_run("sdk", request.workflow, expected.tag.sha, f"inv sdk.release --version {expected.version}")


def platform_runs_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Prove that the runs which the tag's push started all succeeded (F4, F14)."""
    if not expected.images or not expected.pushed:
        return
    found = pushed_runs(context, expected.tag)
    fix = f"inv platform.watch --version {expected.version}"
    if not found:
        yield _no_run("platform", "what the tag starts", expected.tag.sha, fix)
    if expected.roles:
        check_component_roles(context, found.values(), expected.roles, fix)
    for each in found.values():
        if each.conclusion == "success" or (expected.roles and each.status == "completed"):
            yield _run("platform run", each)
        else:
            says = f"run {each.id} of {each.name}: {each.conclusion or each.status}"
            yield Proof("platform run", False, says, each.url, fix)


def image_origin_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Prove where the release's own SDK images come from: a run that pushed them, a pull request that was merged.

    How the image of an earlier release came about is that one's matter, and runs are not kept for ever.
    """
    if expected.image == expected.version:
        yield from image_origin(context, expected.image, expected.tag.sha, expected.branch)


def image_origin(context: Context, version: semver.Version, sha: str, branch: RemoteRef | None) -> Iterator[Proof]:
    """Prove where the images of the version came from that config.py names at the commit, on the branch if any."""
    commit = image_commit(context, sha)
    pull = next((found for found in pulls_of(context, commit) if found.merged), None)
    # Built on its own branch, which a squash or a rebase merged as another commit, or on the release's or the trunk.
    own = RemoteRef(f"{HEADS}{pull.head}", pull.head_sha, "") if pull else None
    built = [own, branch, RemoteRef(f"{HEADS}{trunk(context)}", sha, "")]
    requests = [image_run(context, version, head) for head in built if head]
    good = next(chain.from_iterable(right_runs(context, each) for each in requests), None)
    fix = f"inv image.release --version {version}"
    yield _run("image run", good) if good else _no_run("image", requests[0].workflow, requests[0].sha, fix)
    if pull:
        yield Proof("pull request", True, f"#{pull.number} merged as {pull.merge_sha[:9]}", pull.url)
    elif branch and not contains(context, branch.sha, commit):
        yield Proof("pull request", False, f"{commit[:9]} is on no branch", fix=WHO)
    elif branch and not contains(context, trunk_sha(context), commit):
        yield Proof("pull request", True, f"none: {commit[:9]} is on {short_name(branch)} alone")
    else:
        says = f"no merged pull request brought {commit[:9]}, which set {context.settings.image.config_variable}"
        yield Proof("pull request", False, says, fix=f"inv image.pr --version {version} --merge")


def github_release_proofs(context: Context, expected: ExpectedState) -> Iterator[Proof]:
    """Prove that the GitHub Release is published, and a pre-release for one and no other."""
    found = release_of(context, expected.version)
    fix = f"inv release.notes --version {expected.version} --publish"
    if found is None or found.draft:
        says = "a draft, not published" if found else "there is none"
        yield Proof("GitHub Release", False, says, found.url if found else "", fix)
    elif found.prerelease != bool(expected.version.prerelease):
        says = f"it is {'a' if found.prerelease else 'no'} pre-release"
        fix = f"gh release edit {expected.version} --prerelease={'false' if found.prerelease else 'true'}"
        yield Proof("GitHub Release", False, says, found.url, fix)
    elif lower := _lower_latest(context, expected.version):
        says, fix = f"GitHub's Latest is {lower}", f"gh release edit {expected.version} --latest"
        yield Proof("GitHub Release", False, says, found.url, fix)
    else:
        yield Proof("GitHub Release", True, "published" + (", immutable" if found.immutable else ""), found.url)


CHECKS: tuple[Check, ...] = (
    tag_proofs, withdrawal_proofs, branch_proofs, order_proofs, config_proofs, wheel_proofs, sdk_images_proofs,
    platform_images_proofs, sdk_run_proofs, platform_runs_proofs, image_origin_proofs, github_release_proofs,
)  # fmt: skip


def proofs_of(context: Context, expected: ExpectedState, checks: Sequence[Check] = CHECKS) -> list[Proof]:
    """Return every proof of the checks, asked side by side; what could not be asked is one that does not hold."""
    _ = github(context), bucket(context), registry(context), trunk(context)  # opened once, not by each thread
    return answers_of([partial(check, context, expected) for check in checks], _unasked)


def draft_proofs(context: Context, expected: ExpectedState) -> list[Proof]:
    """Return every proof but that of the GitHub Release, which is a draft until they hold."""
    return proofs_of(context, expected, [check for check in CHECKS if check is not github_release_proofs])


def check_proofs(version: semver.Version, proofs: Sequence[Proof]) -> None:
    """Raise Failed unless every proof holds, with the first one's next command."""
    failed = [proof for proof in proofs if not proof.holds]
    if failed:
        names = ", ".join(dict.fromkeys(proof.name for proof in failed))
        fix = next((proof.fix for proof in failed if proof.fix), "")
        raise Failed(f"{len(failed)} of {len(proofs)} proofs of {version} do not hold: {names}", fix)


def show_proofs(context: Context, proofs: Sequence[Proof]) -> None:
    """Print a line a proof, with its link where it does not hold."""
    for proof in proofs:
        status = "unknown" if proof.unknown else "none" if proof.absent else "holds" if proof.holds else "failed"
        facts = {"proof": proof.name, "holds": proof.holds, "digests": dict(proof.digests), "link": proof.url}
        facts |= {} if proof.holds else {"url": proof.url}
        context.report.step(status, f"{proof.name:14} {proof.says}", **facts)


def _unasked(name: str, error: ReleaseError) -> Proof:
    return Proof(name, False, error.problem, fix=error.hint, unknown=not isinstance(error, Failed))


def _lower_latest(context: Context, version: semver.Version) -> semver.Version | None:
    """Return the version that is GitHub's "Latest" in the place of this one, which has to be (F30)."""
    latest = github(context).find("releases/latest") if is_latest(context, version) else None
    return next((each for each in released_versions([latest["tag_name"]] if latest else []) if each < version), None)


def _image(name: str, digest: str | None, fix: str) -> Proof:
    if digest is None:
        return Proof("image", False, f"{name} is missing", fix=fix)
    return Proof("image", True, f"{name}  {digest[:19]}", digests={name: digest})


def _run(name: str, run: Run) -> Proof:
    says = f"run {run.id} of {run.name} at {run.head_sha[:9]}: {run.conclusion}"
    return Proof(name, True, says, run.url, run=run.url)


def _no_run(name: str, workflow: str, sha: str, fix: str) -> Proof:
    return Proof(f"{name} run", False, f"no run of {workflow} at {sha[:9]} succeeded", fix=fix)
