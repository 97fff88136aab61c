"""The Python SDK and CLI: build, test, publish, and release from a tag."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from release import packages
from release.cli import reads, waits, writes
from release.ensure import ensure
from release.errors import Conflict, Failed, Usage
from release.follow import check_run, follow
from release.lines import chosen_line, chosen_version, contains, line_branches, released
from release.refs import RemoteRef
from release.release import needed_tag, trunk_sha
from release.runs import Dispatch, Run, dispatched_run, existing_run, parse_run_id
from release.versions import line_of, parse
from release.wheels import Wheel, python_version, read_wheel, wheel_filename_matches

if TYPE_CHECKING:
    import semver

    from release.aws import S3Object
    from release.world import World


def build(world: World, version: str = "", out: str = "dist") -> Path:
    """Build the SDK's wheel into a folder.

    Example: inv sdk.build --out dist
    """
    wanted = _given(world, version)
    where = Path(out)
    if world.dry:
        world.report.step("todo", f"build {world.settings.sdk.path} into {where}/")
        return where
    built = packages.build_wheel(Path(world.settings.sdk.path), where, python_version(wanted) if wanted else "")
    wheel = read_wheel(built.read_bytes(), built.name)
    _check_version(world, wheel, wanted)
    world.report.step("made", f"built {built}  sha256:{wheel.sha256}")
    world.report.record(wheel_sha256=wheel.sha256)
    return built


def test(world: World, wheel: str = "", python: str = "", version: str = "") -> None:
    """Try the wheel in a fresh environment.

    Example: inv sdk.test --wheel dist/leptonai-0.7.0-py3-none-any.whl --python 3.12
    """
    sdk, wanted, path = world.settings.sdk, _given(world, version), _wheel_file(world, wheel)
    found = read_wheel(path.read_bytes(), path.name)
    _check_version(world, found, wanted)
    if world.dry:
        world.report.step("todo", f"install {path.name} in a fresh environment and import {sdk.package}")
        return
    imported, printed = packages.try_wheel(path, python, sdk.package, sdk.command)
    if imported != found.version:
        raise Failed(f"{path.name} imports as {sdk.package} {imported}, not {found.version}")
    if sdk.command and found.version not in printed.replace(",", " ").split():
        raise Failed(
            f"{sdk.command} --version prints {printed!r}, not {found.version}", "Set sdk.command in invoke.yaml."
        )
    world.report.step(
        "made", f"{path.name} installs, imports as {imported}" + (f", {sdk.command} says so too" if sdk.command else "")
    )


@writes
def publish(world: World, wheel: str = "", prefix: str = "", root: bool = False) -> S3Object | None:
    """Upload the wheel to S3; never overwrites.

    Example: inv sdk.publish --wheel dist/leptonai-0.7.0-py3-none-any.whl
    """
    sdk, path = world.settings.sdk, _wheel_file(world, wheel)
    content = path.read_bytes()
    found = read_wheel(content, path.name)
    key = f"{'' if root else prefix or sdk.prefix}{path.name}"

    def find() -> S3Object | None:
        there = world.bucket.object(key)
        if there and hashlib.sha256(world.bucket.content(key) or b"").hexdigest() != found.sha256:
            raise Conflict(
                f"s3://{sdk.bucket}/{key} exists with other bytes",
                "A released file is never overwritten; take the next version.",
            )
        return there

    published = ensure(
        world,
        f"s3://{sdk.bucket}/{key}  sha256:{found.sha256}",
        find=find,
        make=lambda: world.bucket.create_object(key, content),
        planned=None,
    )
    world.report.record(wheel_key=key, wheel_sha256=found.sha256)
    return published


@writes
def dispatch(
    world: World,
    version: str = "",
    publish_pypi: bool = False,
    run_e2e: bool = False,
    again: bool = False,
    run: str = "",
) -> tuple[Run, Dispatch]:
    """Start the SDK workflow on the tag, once.

    Example: inv sdk.dispatch --version 0.7.0
    """
    tag = _checked_tag(world, tagged_version(world, version))
    request = request_for(world, tag, publish_pypi, run_e2e)
    return dispatched_run(world, request, again=again, run_id=parse_run_id(run)), request


@waits
@reads
def watch(world: World, version: str = "", run: str = "") -> Run:
    """Follow the SDK workflow's run to its end.

    Example: inv sdk.watch --version 0.7.0 --timeout 3600
    """
    request = request_for(world, needed_tag(world, tagged_version(world, version)))
    started = existing_run(world, request, parse_run_id(run))
    finished = follow(world, {"sdk": started})["sdk"]
    check_run(world, finished, request)
    world.report.step("note", f"run {finished.id} of {finished.name}: {finished.conclusion}", url=finished.url)
    return finished


@reads
def wheel(world: World, version: str = "", download: str = "") -> Wheel:
    """Prove the released wheel: key, SHA-256, version.

    Example: inv sdk.wheel --version 0.7.0 --download dist
    """
    wanted = tagged_version(world, version)
    found, key = released_wheel(world, wanted)
    if found is None:
        raise Failed(
            f"s3://{world.settings.sdk.bucket}/{key} is not there", f"Release it: inv sdk.release --version {wanted}"
        )
    world.report.step(
        "made", f"wheel s3://{world.settings.sdk.bucket}/{key}  sha256:{found.sha256}", key=key, sha256=found.sha256
    )
    world.report.record(wheel_key=key, wheel_sha256=found.sha256)
    if download and not world.dry:
        _save(world, key, Path(download))
    return found


@waits
@writes
def release(
    world: World,
    version: str = "",
    publish_pypi: bool = False,
    run_e2e: bool = False,
    again: bool = False,
    run: str = "",
) -> None:
    """Dispatch, follow and prove the SDK's release.

    Example: inv sdk.release --version 0.7.0
    """
    wanted = tagged_version(world, version)
    if already(world, wanted) and not again:
        wheel(world, str(wanted))
        return
    started, request = dispatch(world, str(wanted), publish_pypi, run_e2e, again, run)
    finished = follow(world, {"sdk": started})["sdk"]
    prove(world, wanted, finished, request)


def prove(world: World, version: semver.Version, finished: Run, request: Dispatch) -> None:
    """Raise unless the run did all its jobs and the wheel that is out now was made after it started."""
    if world.dry and finished.status != "completed":
        world.report.step("todo", f"wheel s3://{world.settings.sdk.bucket}/{wheel_key(world, version)}")
        return
    check_run(world, finished, request)
    wheel(world, str(version))
    modified = world.bucket.object(wheel_key(world, version))
    if modified and modified.modified < datetime.fromisoformat(finished.created_at.replace("Z", "+00:00")):
        raise Conflict(
            f"the wheel is from {modified.modified:%Y-%m-%d %H:%M:%S} UTC, older than run {finished.id}",
            f"That run did not make it. Look: {finished.url}",
        )


def already(world: World, version: semver.Version) -> bool:
    """Whether the wheel of the version is out; raise Conflict when its key holds something else."""
    return released_wheel(world, version)[0] is not None


def released_wheel(world: World, version: semver.Version) -> tuple[Wheel | None, str]:
    """Return the wheel under the release prefix, checked against its name and version, and its key."""
    key = wheel_key(world, version)
    content = world.bucket.content(key)
    if content is None:
        return None, key
    try:
        found = read_wheel(content, key.rpartition("/")[2])
        _check_version(world, found, version)
    except Failed as error:
        raise Conflict(
            f"s3://{world.settings.sdk.bucket}/{key}: {error.problem}",
            "A released file is never overwritten; take the next version.",
        ) from error
    return found, key


def request_for(world: World, tag: RemoteRef, publish_pypi: bool = False, run_e2e: bool = False) -> Dispatch:
    """Return the run to ask for: the SDK workflow on the tag, with the settings' inputs and the flags'."""
    sdk = world.settings.sdk
    extra = {name: True for name, on in {"publish_pypi": publish_pypi, "run_e2e": run_e2e}.items() if on}
    return Dispatch(
        sdk.workflow, tag.name.removeprefix("refs/tags/"), tag.sha, {**sdk.inputs, **extra}, tuple(sdk.roles)
    )


def _checked_tag(world: World, version: semver.Version) -> RemoteRef:
    """Return the tag; raise Conflict when it sits on no release branch of its line nor on the trunk."""
    tag = needed_tag(world, version)
    heads = [ref.sha for ref in line_branches(world, line_of(version))] + [trunk_sha(world)]
    if tag.sha not in heads and not any(contains(world, head, tag.sha) for head in heads):
        raise Conflict(
            f"tag {version} is at {tag.sha[:9]}: on no release branch of {line_of(version)}, nor on {world.trunk}",
            "Find out who tagged it; then take the next version.",
        )
    return tag


def tagged_version(world: World, version: str) -> semver.Version:
    """Settle the version: as given or settled, else the newest tag of the line at hand."""
    if version or world.version:
        return chosen_version(world, version)
    versions = released(world, chosen_line(world, ""))
    if not versions:
        raise Usage("which version?", "Give --version, such as --version 0.7.0")
    return world.settle(versions[-1])


def _given(world: World, version: str) -> semver.Version | None:
    return parse(version) if version else world.version


def _check_version(world: World, found: Wheel, wanted: semver.Version | None) -> None:
    package = world.settings.sdk.package
    if wanted and not wheel_filename_matches(found.filename, package, wanted):
        raise Failed(
            f"the wheel is {found.name} {found.version}, not {package} {python_version(wanted)}",
            "Build it at its tag, with the tag fetched.",
        )


def _wheel_file(world: World, given: str) -> Path:
    """Return the wheel a person names, or the only one in dist/."""
    found = [Path(given)] if given else sorted(Path("dist").glob("*.whl"))
    if len(found) != 1 or not found[0].is_file():
        raise Usage(
            f"there is no wheel {given or 'in dist/'}" if len(found) < 2 else f"dist/ has {len(found)} wheels",
            "Name one: --wheel dist/NAME.whl",
        )
    return found[0]


def wheel_key(world: World, version: semver.Version) -> str:
    """Return the wheel's key: the one below the prefix whose name is of package and version, else the usual name."""
    sdk = world.settings.sdk
    start = f"{sdk.prefix}{sdk.package.replace('-', '_')}-{python_version(version)}-"
    found = [
        each.key
        for each in world.bucket.objects(start)
        if wheel_filename_matches(each.key.rpartition("/")[2], sdk.package, version)
    ]
    if len(found) > 1:
        raise Conflict(
            f"{len(found)} wheels of {version} are out: {', '.join(found)}",
            "There must be one; find out who put the other there.",
        )
    return found[0] if found else f"{start}py3-none-any.whl"


def _save(world: World, key: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / key.rpartition("/")[2]
    target.write_bytes(world.bucket.content(key) or b"")
    world.report.step("made", f"saved {target}")
