"""Try what is released as its users will: the wheel in a fresh environment, images by docker or podman."""

from __future__ import annotations

import platform
import re
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import semver

from release.artifacts.build import try_wheel
from release.artifacts.images import digests, registry, runner_images, tagged_images
from release.artifacts.s3 import SHOWN, lost_files
from release.artifacts.wheel import Wheel
from release.call.context import Context
from release.call.ensure import perform
from release.call.programs import Ended, run_program
from release.errors import CouldNotTellError, Failed

ENGINES = ("docker", "podman")
ANSWER, PULL, RUN = 20.0, 1800.0, 300.0  # seconds for an engine to say that it is there, for an image, for its command
# What says that this machine cannot have or run the image, and nothing of the image: 125 is the engine's own failure.
NO_PULL = re.compile(r"denied|unauthorized|no basic auth|authentication required|no matching manifest", re.IGNORECASE)
NO_RUN, ENGINE_FAILED = "exec format error", 125
LOGIN = "Log in to the registry: docker login, for ECR with the password of aws ecr get-login-password."


def try_release(context: Context, version: semver.Version, wheel: Wheel | None, repositories: Sequence[str]) -> None:
    """Try what of the version is out, before people are told of it: its wheel if there is one, and these images.

    Raises Failed naming what is wrong. `sdk.smoke` and `image.smoke` leave it out, which is said.
    """
    sdk = context.settings.sdk
    if not sdk.smoke:
        context.report.step("note", "skipped: the wheel is not installed (sdk.smoke is false)")
    elif wheel and not wheel.installs_here:
        what = f"Python {platform.python_version()} here, and it is for {wheel.python or wheel.filename}"
        context.report.step("note", f"skipped: the wheel is not installed: {what}")
    elif wheel or context.dry:
        what = f"install the wheel of {version} in a fresh environment and import {sdk.package}"
        perform(context, what, partial(_try_released, context, version, wheel), None)
    smoke_images(context, version, repositories)


def _try_released(context: Context, version: semver.Version, wheel: Wheel | None) -> None:
    """Raise Failed unless the wheel has each file that the last one had and the tag still has, and installs."""
    if wheel is None:
        return
    lost = lost_files(context, version, wheel)
    if lost:
        problem = f"{wheel.filename} lacks what the wheel before has and the tag has too: {', '.join(lost[:SHOWN])}"
        raise Failed(problem, _again(version))
    with tempfile.TemporaryDirectory(prefix="smoke-") as folder:
        path = Path(folder) / wheel.filename
        path.write_bytes(wheel.content)
        try:
            try_wheel_file(context, path, "", wheel.version)
        except Failed as error:
            raise Failed(error.problem, _again(version)) from error


def _again(version: semver.Version) -> str:
    return f"What is out is never overwritten: mend it, then release the version after {version}."


def try_wheel_file(context: Context, path: Path, python: str, version: str) -> None:
    """Install a wheel in a fresh environment; raise Failed unless package and command say its version."""
    sdk = context.settings.sdk
    imported, printed = try_wheel(path, python, sdk.package, sdk.command)
    if imported != version:
        raise Failed(f"{path.name} imports as {sdk.package} {imported}, not {version}")
    if sdk.command and not says(printed, version):
        raise Failed(f"{sdk.command} --version prints {printed!r}, not {version}", "Set sdk.command in invoke.yaml.")
    too = f", {sdk.command} says so too" if sdk.command else ""
    context.report.step("made", f"{path.name} installs, imports as {imported}{too}")


def says(printed: str, expected: str) -> bool:
    """Whether the words are a line of what was printed, or among its words: 0.7.1 is not in 0.7.10."""
    return expected in printed.replace(",", " ").split() or expected in map(str.strip, printed.splitlines())


def smoke_images(context: Context, version: semver.Version, repositories: Sequence[str]) -> None:
    """Start each image of the version by its digest and run its command; raise Failed naming those that fail.

    They are the runner's, where that version has them, and those of these repositories. What has no command in
    `release.smoke`, or what this machine cannot pull or run, is said to be skipped: it is not proved.
    """
    image = context.settings.image
    silent = [name for name in repositories if context.settings.smoke(name) is None]
    if silent:
        context.report.step("note", f"skipped: {', '.join(silent)}: release.smoke has no command for it")
    names = [name for name in tagged_images(repositories, version) if name.rpartition(":")[0] not in silent]
    names += runner_images(context, version) if image.config_file else []
    if names and not image.smoke:
        context.report.step("note", "skipped: no image is started (image.smoke is false)")
    elif names:
        what = f"start the images of {version} and run what release.smoke says"
        perform(context, what, partial(_smoke_all, context, version, names), None)


def _smoke_all(context: Context, version: semver.Version, names: Sequence[str]) -> None:
    engine = next(filter(_is_there, ENGINES), "")
    if not engine:
        context.report.step("note", f"skipped: no image of {version} is started: neither docker nor podman runs here")
        return
    found = {name: digest for name, digest in digests(context, names).items() if digest}
    problems = {name: _smoke(context, engine, version, name, digest) for name, digest in found.items()}
    failed = [f"{name}: {problem}" for name, problem in problems.items() if problem]
    if failed:
        told = "\n".join(failed)
        raise Failed(f"{len(failed)} of {len(found)} images do not do what they have to:\n{told}", _again(version))


def _is_there(engine: str) -> bool:
    """Whether the engine is installed and its service answers."""
    with suppress(CouldNotTellError):
        return run_program([engine, "info"], Path.cwd(), ANSWER).code == 0
    return False


def _smoke(context: Context, engine: str, version: semver.Version, name: str, digest: str) -> str:
    """Run its command in the image; return what is wrong, and say what holds or cannot be tried here."""
    repository = name.partition(":")[0]
    smoke = context.settings.smoke(repository)
    if smoke is None:  # it was not asked for
        return ""
    reference = f"{registry(context).address(repository)}@{digest}"
    command, expected = smoke.of(version)
    had = run_program([engine, "image", "inspect", reference], Path.cwd(), ANSWER).code == 0
    try:
        pulled = run_program([engine, "pull", "--quiet", reference], Path.cwd(), PULL)
        done = pulled if pulled.code else _run(engine, reference, command)
    except CouldNotTellError as error:
        return str(error)
    finally:
        if not had:
            with suppress(CouldNotTellError):
                run_program([engine, "image", "rm", reference], Path.cwd(), ANSWER)
    unable = NO_PULL.search(done.stderr) if done is pulled else done.code == ENGINE_FAILED or NO_RUN in done.stderr
    if done.code and unable:
        context.report.step("note", f"skipped: {name} cannot be had or run here: {_last(done)}\n{LOGIN}")
        return ""
    if done.code:
        return f"{f'{command[0]} exited {done.code}' if done is not pulled else 'it cannot be pulled'}: {_last(done)}"
    if not says(done.stdout, expected):
        return f"it prints {done.stdout.strip()[:200]!r}, not {expected}"
    context.report.step("holds", f"image {name} starts, and prints {expected}")
    return ""


def _run(engine: str, reference: str, command: list[str]) -> Ended:
    """Run one command in the image, without a network and without its own entry point."""
    name = f"release-smoke-{secrets.token_hex(6)}"
    kept = ["--rm", "--name", name, "--network", "none", "--cap-drop", "all", "--entrypoint", command[0]]
    try:
        return run_program([engine, "run", *kept, reference, *command[1:]], Path.cwd(), RUN)
    finally:  # a client that was killed leaves its container running
        with suppress(CouldNotTellError):
            run_program([engine, "rm", "--force", name], Path.cwd(), ANSWER)


def _last(done: Ended) -> str:
    return (done.tail.splitlines() or ["nothing was said"])[-1]
