"""One function a proof: each asks the world outside, remembers nothing, and says what it saw."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from release.artifacts.component_release import check_component_roles
from release.artifacts.images import image_digests, registry
from release.artifacts.s3 import bucket, wheel_key
from release.artifacts.wheel import read_wheel, wheel_filename_matches
from release.audit.expected import ExpectedState
from release.call.context import Context
from release.errors import Failed, ReleaseError
from release.git.refs import short_name
from release.git.repository import repository
from release.git.signatures import signature
from release.git.snapshot import remote, trunk
from release.git.tags import trunk_sha
from release.github.api import github
from release.github.commits import contains, image_commit
from release.github.events import pushed_runs
from release.github.pulls import PullRequest
from release.github.releases import release_of
from release.github.requests import sdk_request
from release.github.runs import Run, check_jobs, parse_time, runs_of
from release.versions import line_of, released_versions


@dataclass(frozen=True)
class Proof:
    """One line of a verification; `digests` by artifact's name and `run` go into the receipt, `fix` comes next."""

    name: str
    holds: bool
    says: str
    url: str = ""
    fix: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    unknown: bool = False


Check = Callable[["Context", ExpectedState], Iterator[Proof]]


def tag_proofs(context: Context, claim: ExpectedState) -> Iterator[Proof]:
    """Prove that the tag is there, peeled, with a signature that holds if it has one (F9, F12)."""
    kind = "annotated" if claim.tag.target != claim.tag.sha else "lightweight"
    yield Proof("tag", True, f"{claim.version} is at {claim.tag.sha[:9]}, {kind}")
    found = signature(repository(context), claim.tag)
    if found is None:
        yield Proof("signature", True, "not signed")
    else:
        yield Proof("signature", found.good is not False, f"{found.kind} {found.says}", fix="Find out who tagged it.")


def branch_proofs(context: Context, claim: ExpectedState) -> Iterator[Proof]:
    """Prove that the commit is on its line's branch or, for an individual release, on the trunk."""
    if claim.branch:
        yield Proof("branch", True, f"on {short_name(claim.branch)}")
    elif claim.on_trunk:
        yield Proof("branch", True, f"on {trunk(context)}, an individual release of {claim.component or 'nothing'}")
    else:
        where = f"on no release branch of {line_of(claim.version)}, nor on {trunk(context)}"
        yield Proof("branch", False, f"{claim.tag.sha[:9]} is {where}", fix="Find out who tagged it.")


def order_proofs(context: Context, claim: ExpectedState) -> Iterator[Proof]:
    """Prove that on its branch the versions of the line come one after the other."""
    tags = {ref.name.removeprefix("refs/tags/"): ref for ref in remote(context).tags()}
    head = claim.branch.sha if claim.branch else claim.tag.sha
    on_line = [version for version in released_versions(tags) if line_of(version) == line_of(claim.version)]
    below = [
        version for version in on_line if version < claim.version and contains(context, head, tags[str(version)].sha)
    ]
    wrong = [version for version in below if not contains(context, claim.tag.sha, tags[str(version)].sha)]
    if wrong:
        says = f"{wrong[-1]} is on the branch after {claim.version}"
        yield Proof("order", False, says, fix="Find out who tagged them; take the next version.")
    else:
        yield Proof("order", True, f"after {below[-1]}" if below else f"the first of {line_of(claim.version)}")
    same = [name for name, ref in tags.items() if ref.sha == claim.tag.sha and name != str(claim.version)]
    others = ", ".join(map(str, released_versions(same)))
    if not others:
        yield Proof("alone", True, "no other version is tagged there")
    else:
        fix = "If that is meant: --shared."
        yield Proof("alone", claim.shared, f"{others} is tagged at {claim.tag.sha[:9]} too", fix=fix)


def config_proofs(context: Context, claim: ExpectedState) -> Iterator[Proof]:
    """Prove that config.py at the tag names an image version, no later one than the release's own."""
    where = context.settings.image.config_file
    if claim.image is None:
        yield Proof("config.py", False, f"{where} names no image", fix="Set image.config_file in invoke.yaml.")
    else:
        fix = f"Release that image: inv image.release --version {claim.image}"
        holds = claim.individual or claim.image <= claim.version
        yield Proof("config.py", holds, f"{where} names image {claim.image}", fix=fix)


def wheel_proofs(context: Context, claim: ExpectedState) -> Iterator[Proof]:
    """Prove the wheel, byte for byte: its key, its name, its version, every file in it by its hash (F20, S6)."""
    if not claim.wheel:
        return
    key = wheel_key(context, claim.version)
    content = bucket(context).content(key)
    place = f"s3://{context.settings.sdk.bucket}/{key}"
    if content is None:
        yield Proof("wheel", False, f"{place} is not there", fix=f"inv sdk.release --version {claim.version}")
        return
    digest = hashlib.sha256(content).hexdigest()
    digests = {place: f"sha256:{digest}"}
    stored = bucket(context).object(key)
    try:
        found = read_wheel(content, key.rpartition("/")[2])
        if stored and stored.sha256 not in ("", digest):
            raise Failed(f"its bytes are sha256:{digest[:12]}, S3 stored sha256:{stored.sha256[:12]}")
        if not wheel_filename_matches(found.filename, context.settings.sdk.package, claim.version):
            raise Failed(f"it is {found.name} {found.version}")
    except Failed as error:
        fix = "Do not install it. Find out who changed it, then take the next version."
        yield Proof("wheel", False, f"{place}: {error.problem}", fix=fix, digests=digests)
        return
    yield Proof("wheel", True, f"{place}  sha256:{digest[:12]}", digests=digests)


def sdk_images_proofs(context: Context, claim: ExpectedState) -> Iterator[Proof]:
    """Prove that every SDK image of the version that config.py names is in the registry (F21)."""
    if claim.image is None:
        return
    where = context.settings.image.repository
    for each, digest in image_digests(context, claim.image).items():
        yield _image(f"{where}:{each}", digest, f"inv image.release --version {claim.image}")


def platform_images_proofs(context: Context, claim: ExpectedState) -> Iterator[Proof]:
    """Prove that every platform image has the tag."""
    for name in claim.images:
        digest = registry(context).image_digest(name, str(claim.version))
        yield _image(f"{name}:{claim.version}", digest, f"inv platform.watch --version {claim.version}")


def sdk_run_proofs(context: Context, claim: ExpectedState) -> Iterator[Proof]:
    """Prove that a run of the SDK workflow at the tag's commit did all its jobs before the wheel came (F4, F26)."""
    if not claim.wheel:
        return
    request = sdk_request(context, claim.tag)
    found = runs_of(github(context), claim.tag.sha, "workflow_dispatch", request.workflow)
    good = [each for each in found if each.conclusion == "success" and each.head_branch == str(claim.version)]
    if not good:
        yield _no_run("sdk", request.workflow, claim.tag.sha, f"inv sdk.release --version {claim.version}")
        return
    made = good[-1]
    check_jobs(github(context), made, request)
    stored = bucket(context).object(wheel_key(context, claim.version))
    if stored and stored.modified < parse_time(made.created_at):
        says = f"the wheel is older than run {made.id}"
        yield Proof("sdk run", False, says, made.url, "Find out what made it.")
    else:
        yield _ran("sdk run", made)


def platform_runs_proofs(context: Context, claim: ExpectedState) -> Iterator[Proof]:
    """Prove that the runs which the tag's push started all succeeded (F4, F14)."""
    if not claim.images or not claim.pushed:
        return
    found = pushed_runs(context, claim.tag)
    fix = f"inv platform.watch --version {claim.version}"
    if not found:
        yield _no_run("platform", "what the tag starts", claim.tag.sha, fix)
    if claim.roles:
        check_component_roles(context, found.values(), claim.roles, fix)
    for each in found.values():
        if each.conclusion == "success" or (claim.roles and each.status == "completed"):
            yield _ran("platform run", each)
        else:
            says = f"run {each.id} of {each.name}: {each.conclusion or each.status}"
            yield Proof("platform run", False, says, each.url, fix)


def image_origin_proofs(context: Context, claim: ExpectedState) -> Iterator[Proof]:
    """Prove where the SDK images come from: a run that pushed them, and a pull request that was merged."""
    if claim.image is None:
        return
    commit = image_commit(context, claim.tag.sha)
    listed = github(context).get(f"commits/{commit}/pulls") if commit else []
    pull = next((found for found in map(PullRequest.parse, listed) if found.merged), None)
    yield from _image_run(
        context, claim, [sha for sha in (pull.head_sha if pull else "", commit, claim.tag.sha) if sha]
    )
    if pull:
        yield Proof("pull request", True, f"#{pull.number} merged as {pull.merge_sha[:9]}", pull.url)
    elif claim.branch and not contains(context, claim.branch.sha, commit):
        yield Proof("pull request", False, f"{commit[:9]} is on no branch", fix="Find out who tagged it.")
    elif claim.branch and not _on_trunk(context, commit):
        yield Proof("pull request", True, f"none: {commit[:9]} is on {short_name(claim.branch)} alone")
    else:
        says = f"no merged pull request brought {commit[:9]}, which set {context.settings.image.config_variable}"
        yield Proof("pull request", False, says, fix=f"inv image.pr --version {claim.image} --merge")


def github_release_proofs(context: Context, claim: ExpectedState) -> Iterator[Proof]:
    """Prove that the GitHub Release is published, and a pre-release only for one."""
    found = release_of(context, claim.version)
    fix = f"inv release.notes --version {claim.version} --publish"
    if found is None:
        yield Proof("GitHub Release", False, "there is none", fix=fix)
    elif found.draft:
        yield Proof("GitHub Release", False, "a draft, not published", found.url, fix)
    else:
        yield Proof("GitHub Release", True, "published" + (", immutable" if found.immutable else ""), found.url)


ALL: tuple[Check, ...] = (
    tag_proofs, branch_proofs, order_proofs, config_proofs, wheel_proofs, sdk_images_proofs, platform_images_proofs,
    sdk_run_proofs, platform_runs_proofs, image_origin_proofs, github_release_proofs,
)  # fmt: skip


def proofs_of(context: Context, claim: ExpectedState, check: Check) -> list[Proof]:
    """Return the check's proofs; what could not be asked is one that does not hold, and the rest still counts."""
    found: list[Proof] = []
    try:
        found.extend(check(context, claim))
    except ReleaseError as error:
        name = check.__name__.removesuffix("_proofs").replace("_", " ")
        found.append(Proof(name, False, error.problem, fix=error.hint, unknown=not isinstance(error, Failed)))
    return found


def _image(name: str, digest: str | None, fix: str) -> Proof:
    if digest is None:
        return Proof("image", False, f"{name} is missing", fix=fix)
    return Proof("image", True, f"{name}  {digest[:19]}", digests={name: digest})


def _image_run(context: Context, claim: ExpectedState, shas: list[str]) -> Iterator[Proof]:
    workflow = context.settings.image.workflow
    for sha in dict.fromkeys(shas):
        good = [
            run for run in runs_of(github(context), sha, "workflow_dispatch", workflow) if run.conclusion == "success"
        ]
        if good:
            yield _ran("image run", good[-1])
            return
    yield _no_run("image", workflow, shas[0] if shas else claim.tag.sha, f"inv image.release --version {claim.image}")


def _ran(name: str, run: Run) -> Proof:
    return Proof(
        name, True, f"run {run.id} of {run.name} at {run.head_sha[:9]}: {run.conclusion}", run.url, run=run.url
    )


def _no_run(name: str, workflow: str, sha: str, fix: str) -> Proof:
    return Proof(f"{name} run", False, f"no run of {workflow} at {sha[:9]} succeeded", fix=fix)


def _on_trunk(context: Context, commit: str) -> bool:
    return contains(context, trunk_sha(context), commit)
