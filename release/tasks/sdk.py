"""The Python SDK and CLI: sdk.build, test, publish, dispatch, watch, wheel, release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from release import artifacts, git, github
from release.call.ensure import ensure, perform
from release.call.flags import SDK_RUN, SdkRun
from release.call.task import task
from release.errors import Conflict, Usage

if TYPE_CHECKING:
    import semver

    from release.artifacts.aws import S3Object
    from release.artifacts.wheel import Wheel
    from release.call.context import Context
    from release.github.requests import Dispatch
    from release.github.runs import Run


@task()
def build(context: Context, version: str = "", out: str = "dist") -> Path:
    """Build the SDK's wheel into a folder.

    Example: inv sdk.build --out dist
    """
    wanted = git.choice.chosen_version(context, version) if version or context.version else None
    where = Path(out)
    what = f"build {context.settings.sdk.path} into {where}/"
    return perform(context, what, lambda: _build(context, wanted, where), where)


def _build(context: Context, wanted: semver.Version | None, where: Path) -> Path:
    spelled = artifacts.wheel.python_version(wanted) if wanted else ""
    source = git.repository.repository(context).root / context.settings.sdk.path
    built = artifacts.build.build_wheel(source, where, spelled)
    wheel = artifacts.wheel.read_wheel(built.read_bytes(), built.name)
    artifacts.s3.check_wheel(context, wheel, wanted)
    context.report.step("made", f"built {built}  sha256:{wheel.sha256}")
    context.report.record(wheel_sha256=wheel.sha256)
    return built


@task()
def test(context: Context, wheel: str = "", python: str = "", version: str = "") -> None:
    """Try the wheel in a fresh environment.

    Example: inv sdk.test --wheel dist/leptonai-0.7.0-py3-none-any.whl --python 3.12
    """
    wanted = git.choice.chosen_version(context, version) if version or context.version else None
    sdk, path = context.settings.sdk, _wheel_file(context, wheel)
    found = artifacts.wheel.read_wheel(path.read_bytes(), path.name)
    artifacts.s3.check_wheel(context, found, wanted)
    what = f"install {path.name} in a fresh environment and import {sdk.package}"
    perform(context, what, lambda: artifacts.smoke.try_wheel_file(context, path, python, found.version), None)


@task(writes=True)
def publish(context: Context, wheel: str = "", prefix: str = "", root: bool = False) -> S3Object | None:
    """Upload the wheel to S3; never overwrites.

    Example: inv sdk.publish --wheel dist/leptonai-0.7.0-py3-none-any.whl
    """
    sdk, path = context.settings.sdk, _wheel_file(context, wheel)
    content = path.read_bytes()
    found = artifacts.wheel.read_wheel(content, path.name)
    artifacts.s3.check_wheel(context, found, context.version)
    key = f"{'' if root else prefix or sdk.prefix}{path.name}"

    def _find() -> S3Object | None:
        there = artifacts.s3.bucket(context).read(key)
        if there and there[1] != content:
            hint = "A released file is never overwritten; take the next version."
            raise Conflict(f"s3://{sdk.bucket}/{key} exists with other bytes", hint)
        return there and there[0]

    published = ensure(
        context,
        f"s3://{sdk.bucket}/{key}  sha256:{found.sha256}",
        find=_find,
        make=lambda: artifacts.s3.bucket(context).create_object(key, content),
        planned=None,
    )
    context.report.record(wheel_key=key, wheel_sha256=found.sha256)
    return published


@task(writes=True)
def dispatch(context: Context, version: str = "", flags: SdkRun = SDK_RUN) -> tuple[Run, Dispatch]:
    """Start the SDK workflow on the tag, once.

    Example: inv sdk.dispatch --version 0.7.0
    """
    wanted = git.choice.tagged_version(context, version)
    tag = github.places.checked_tag(context, wanted)
    asked = github.requests.sdk_request(context, tag, flags.publish_pypi, flags.run_e2e)
    request = replace(asked, before=artifacts.s3.object_fingerprints(context))
    artifacts.s3.check_wheel_origin(context, wanted, request)
    run_id = github.runs.parse_run_id(flags.run)
    return github.dispatch.dispatch_run(context, request, again=flags.again, run_id=run_id), request


@task(reads=True, waits=True, reruns=True)
def watch(context: Context, version: str = "", run: str = "") -> Run:
    """Follow the SDK workflow's run to its end.

    Example: inv sdk.watch --version 0.7.0 --timeout 3600
    """
    tag = git.tags.needed_tag(context, git.choice.tagged_version(context, version))
    request = github.requests.sdk_request(context, tag)
    started = github.dispatch.existing_run(context, request, github.runs.parse_run_id(run))
    return github.follow.watch_run(context, "sdk", started, request)


@task(reads=True)
def wheel(context: Context, version: str = "", download: str = "") -> Wheel:
    """Prove the released wheel: key, SHA-256, version.

    Example: inv sdk.wheel --version 0.7.0 --download dist
    """
    wanted = git.choice.tagged_version(context, version)
    git.withdrawals.check_not_withdrawn(context, wanted)
    tag = git.snapshot.remote(context).tag(str(wanted))
    runs = list(github.dispatch.right_runs(context, github.requests.sdk_request(context, tag))) if tag else []
    found, _ = artifacts.s3.prove_wheel(context, wanted, runs)
    if download:
        what = f"save {Path(download) / found.filename}"
        perform(context, what, lambda: _save(context, found, Path(download)), None)
    return found


@task(writes=True, waits=True, reruns=True)
def release(context: Context, version: str = "", flags: SdkRun = SDK_RUN) -> Wheel | None:
    """Dispatch, follow and prove the SDK's release.

    Example: inv sdk.release --version 0.7.0
    """
    wanted = git.choice.tagged_version(context, version)
    started, request = dispatch(context, str(wanted), flags)
    finished = github.follow.follow_runs(context, {"sdk": started}, "the wheel is proved")["sdk"]
    return artifacts.s3.prove_wheel_run(context, wanted, finished, request)


def _wheel_file(context: Context, given: str) -> Path:
    """Return the wheel a person names, or the only one in dist/."""
    found = [Path(given)] if given else sorted(Path("dist").glob("*.whl"))
    if len(found) != 1 or not found[0].is_file():
        problem = f"there is no wheel {given or 'in dist/'}" if len(found) < 2 else f"dist/ has {len(found)} wheels"
        raise Usage(problem, "Name one: --wheel dist/NAME.whl")
    return found[0]


def _save(context: Context, found: Wheel, folder: Path) -> None:
    """Write the bytes that were proved."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / found.filename
    target.write_bytes(found.content)
    context.report.step("made", f"saved {target}  sha256:{found.sha256}")
