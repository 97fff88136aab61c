"""The Python SDK and CLI: build, test, publish, and release from a tag."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from release import packages
from release.artifacts import artifact_sha256
from release.binding import dispatched_run, existing_run, matching_runs
from release.cli import reads, reruns, waits, writes
from release.ensure import ensure
from release.errors import Conflict, Failed, Usage
from release.follow import follow
from release.lines import chosen_line, chosen_version, contains, line_branches, released, short
from release.outcomes import check_run, state
from release.published import check_unchanged, check_wheel, place, prints, released_wheel, wheel_key
from release.refs import RemoteRef
from release.release import needed_tag, trunk_sha
from release.roles import is_on
from release.runs import Dispatch, Run, parse_run_id
from release.settings import DEFAULTS
from release.versions import line_of, parse
from release.wheels import Wheel, python_version, read_wheel
from release.workflows import SDK

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
    check_wheel(world, wheel, wanted)
    world.report.step("made", f"built {built}  sha256:{wheel.sha256}")
    world.report.record(wheel_sha256=wheel.sha256)
    return built


def test(world: World, wheel: str = "", python: str = "", version: str = "") -> None:
    """Try the wheel in a fresh environment.

    Example: inv sdk.test --wheel dist/leptonai-0.7.0-py3-none-any.whl --python 3.12
    """
    sdk, wanted, path = world.settings.sdk, _given(world, version), _wheel_file(world, wheel)
    found = read_wheel(path.read_bytes(), path.name)
    check_wheel(world, found, wanted)
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
    request = replace(request_for(world, tag, publish_pypi, run_e2e), before=prints(world))
    released_wheel(world, parse(request.name))  # a key that is taken by something else is not for us
    return dispatched_run(world, request, again=again, run_id=parse_run_id(run)), request


@reruns
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
    world.report.step("note", f"run {finished.id} of {finished.name}: {state(finished)}", url=finished.url)
    return finished


@reads
def wheel(world: World, version: str = "", download: str = "") -> Wheel:
    """Prove the released wheel: key, SHA-256, version.

    Example: inv sdk.wheel --version 0.7.0 --download dist
    """
    wanted = tagged_version(world, version)
    tag = world.repo.tag(str(wanted))
    request = request_for(world, tag) if tag else None
    made = [each for each in matching_runs(world.github, request) if each.conclusion == "success"] if request else []
    found, key = _proved_wheel(world, wanted, made)
    if download and not world.dry:
        _save(world, key, found, Path(download))
    return found


@reruns
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
    if already(world, wanted, publish_pypi, run_e2e) and not (again or run):
        wheel(world, str(wanted))
        return
    started, request = dispatch(world, str(wanted), publish_pypi, run_e2e, again, run)
    finished = follow(world, {"sdk": started})["sdk"]
    prove(world, wanted, finished, request)


def prove(world: World, version: semver.Version, finished: Run, request: Dispatch) -> None:
    """Raise unless the run did all its jobs, made the wheel that is out now, and changed nothing else there (F20)."""
    if world.dry and finished.status != "completed":
        world.report.step("todo", f"wheel {place(world, wheel_key(world, version))}")
        return
    check_run(world, finished, request)
    _, key = _proved_wheel(world, version, [finished])
    check_unchanged(request.before, prints(world), place(world))
    made = world.bucket.object(key)
    if key not in request.before and made and made.modified < _moment(finished.created_at):
        raise Conflict(
            f"the wheel is from {made.modified:%Y-%m-%d %H:%M:%S} UTC, older than run {finished.id}",
            f"That run did not make it. Look: {finished.url}",
        )


def already(world: World, version: semver.Version, publish_pypi: bool = False, run_e2e: bool = False) -> bool:
    """Whether the wheel of the version is out and nothing but that is wanted; raise Conflict for another there."""
    inputs = {**world.settings.sdk.inputs, "publish_pypi": publish_pypi, "run_e2e": run_e2e}
    more = any(is_on(value) for name, value in inputs.items() if name not in DEFAULTS["sdk"]["inputs"])
    return released_wheel(world, version)[0] is not None and not more


def request_for(world: World, tag: RemoteRef, publish_pypi: bool = False, run_e2e: bool = False) -> Dispatch:
    """Return the run to ask for: the SDK workflow on the tag, with the settings' inputs and the flags'."""
    sdk = world.settings.sdk
    extra = {name: True for name, on in {"publish_pypi": publish_pypi, "run_e2e": run_e2e}.items() if on}
    return Dispatch(
        workflow=sdk.workflow,
        ref=tag.name,
        sha=tag.sha,
        inputs={**sdk.inputs, **extra},
        roles=tuple(sdk.roles),
        rules=SDK,
        command=f"inv sdk.release --version {short(tag)}",
        new_run=f"inv sdk.release --version {short(tag)} --again",
    )


def _proved_wheel(world: World, version: semver.Version, made: Sequence[Run]) -> tuple[Wheel, str]:
    """Return the wheel that is out and its key, compared with what the runs kept; raise Failed when there is none."""
    found, key = released_wheel(world, version)
    if found is None:
        again = " --again" if made else ""
        raise Failed(f"{place(world, key)} is not there", f"Release it: inv sdk.release --version {version}{again}")
    _check_origin(world, found, made)
    world.report.step("made", f"wheel {place(world, key)}  sha256:{found.sha256}", key=key, sha256=found.sha256)
    world.report.record(wheel_key=key, wheel_sha256=found.sha256)
    return found, key


def _check_origin(world: World, found: Wheel, made: Sequence[Run]) -> None:
    """Raise Conflict when the runs kept another wheel of that name; say so where nothing they kept can be read."""
    kept: dict[str, Run] = {}
    reason = "no run of its tag shows any more"
    for each in made:
        try:
            kept[artifact_sha256(world.github, each.id, found.filename)] = each
        except Failed as error:
            reason = error.problem
    if not kept:
        world.report.step("note", f"what the run built cannot be compared: {reason}")
    elif found.sha256 not in kept:
        sha256, each = next(iter(kept.items()))
        raise Conflict(
            f"the wheel that is out is sha256:{found.sha256[:12]}, but run {each.id} built sha256:{sha256[:12]}",
            f"Do not install it. Find out who put it there. Look: {each.url}",
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


def _wheel_file(world: World, given: str) -> Path:
    """Return the wheel a person names, or the only one in dist/."""
    found = [Path(given)] if given else sorted(Path("dist").glob("*.whl"))
    if len(found) != 1 or not found[0].is_file():
        raise Usage(
            f"there is no wheel {given or 'in dist/'}" if len(found) < 2 else f"dist/ has {len(found)} wheels",
            "Name one: --wheel dist/NAME.whl",
        )
    return found[0]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _save(world: World, key: str, found: Wheel, folder: Path) -> None:
    """Write the file, and raise Failed unless what is then on the disk has the wheel's SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / found.filename
    target.write_bytes(world.bucket.content(key) or b"")
    if hashlib.sha256(target.read_bytes()).hexdigest() != found.sha256:
        target.unlink()
        raise Failed(f"{place(world, key)} changed while it was read", "Run the same again.")
    world.report.step("made", f"saved {target}  sha256:{found.sha256}")
