"""What the release needs of a run, and what of it no step delivered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import semver
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from release.errors import Usage
from release.sandbox.cloud import Cloud
from release.sandbox.runner import Start
from release.sandbox.simulation.lines import Lines, file_lines
from release.sandbox.simulation.told import Named, Told
from release.settings import Image, Settings
from release.versions import image_tags, parse
from release.workflows import IMAGE, SDK, Rule, document, is_on

_TAG = "refs/tags/"
# What a step that would deliver it has in it.
_SIGNS = {
    "wheel": re.compile(r"s3|sdk\.publish|twine|pypi", re.IGNORECASE),
    "image": re.compile(r"docker|podman|buildah|crane|skopeo|oras|kaniko|image", re.IGNORECASE),
}


@dataclass(frozen=True)
class Need:
    """What a run has to deliver: the wheel of a version below a prefix, and images."""

    version: semver.Version
    wheel: str = ""  # the bucket and the prefix, as a URL
    images: tuple[tuple[str, str], ...] = ()
    rules: tuple[Rule, ...] = field(default=())


def run_need(settings: Settings, start: Start) -> Need | None:
    """Return what the release needs of a run that is started so; nothing where it needs none."""
    file, tag = PurePosixPath(start.path).name, start.ref.removeprefix(_TAG) if start.ref.startswith(_TAG) else ""
    asked = str(start.inputs.get("version") or "") if file == settings.image.workflow else tag
    try:
        version = parse(asked)
        return _need(settings, start.event, file, version, tag)
    except Usage:
        return None


def _need(settings: Settings, event: str, file: str, version: semver.Version, tag: str) -> Need | None:
    if event == "workflow_dispatch" and file == settings.sdk.workflow and tag:
        return Need(version, f"s3://{settings.sdk.bucket}/{settings.sdk.prefix}", rules=SDK)
    if event == "workflow_dispatch" and file == settings.image.workflow:
        return Need(version, images=_runner_images(settings.image, version), rules=IMAGE)
    if event == "push" and tag:
        return Need(version, images=tuple((name, str(version)) for name in settings.platform.images))
    parts = [part for part in settings.components.values() if part.workflow == file and event == "workflow_dispatch"]
    images = [(name, str(version)) for part in parts for name in part.images]
    return Need(version, images=tuple(images)) if images and tag else None


def _runner_images(image: Image, version: semver.Version) -> tuple[tuple[str, str], ...]:
    return tuple((image.repository, tag) for tag in image_tags(image.tags, version, image.pythons))


def is_wheel_of(name: str, distribution: str, version: semver.Version) -> bool:
    """Tell whether a file is a distribution's wheel of a version."""
    try:
        found = parse_wheel_filename(name)
        return found[0] == canonicalize_name(distribution) and found[1] == Version(str(version))
    except (InvalidWheelFilename, InvalidVersion):
        return False


@dataclass(frozen=True)
class Over:
    """Runs that one event started, all of them over: their workflows' texts, and what their steps would deliver."""

    starts: Sequence[Start]
    skipped: frozenset[tuple[str, str]]  # file and key of jobs that did not run
    named: Sequence[Named]
    need: Need


def missing(settings: Settings, cloud: Cloud, over: Over) -> Iterator[Told]:
    """Tell what the release needs of runs that are over and does not find, at the place that comes nearest to it."""
    need = over.need
    if need.wheel and not _has_wheel(settings, cloud, need):
        wanted = f"{need.wheel}{settings.sdk.wheel_name}-{need.version}-….whl"
        yield _nearest(over, "wheel", [each for each in over.named if each.kind == "wheel"], wanted)
    absent = [(name, tag) for name, tag in need.images if cloud.manifest(name, tag) is None]
    for repository, tag in absent:
        near = [each for each in over.named if each.kind == "image"]
        same = [each for each in near if f"/{repository}:" in f"/{each.name}"]
        yield _nearest(over, "image", same or near, f"{repository}:{tag}")
    yield from _unread(over)


def _has_wheel(settings: Settings, cloud: Cloud, need: Need) -> bool:
    sdk = settings.sdk
    names = [key.removeprefix(sdk.prefix) for key in cloud.keys(sdk.prefix)]
    return any(is_wheel_of(name, sdk.wheel_name, need.version) for name in names)


def _nearest(over: Over, kind: str, near: Sequence[Named], wanted: str) -> Told:
    """Name the step that delivers something else, else the one that would deliver it, else the workflow."""
    if near:
        each = near[-1]
        does = f"the release needs {wanted}, and this delivers {each.name}"
        return Told(each.workflow, each.line, each.job, each.step, does, "missing")
    sign = wanted.rpartition("/")[0] if kind == "wheel" else wanted.partition(":")[0]
    places = [place for start in over.starts for place in _signs(start, over.skipped, kind, sign)]
    return _told(places[0], wanted) if places else _told_on(over.starts[0], wanted)


def _told(place: tuple[str, int, str, str, str], wanted: str) -> Told:
    path, line, job, step, why = place
    return Told(path, line, job, step, f"the release needs {wanted}, and {why}", "missing")


def _told_on(start: Start, wanted: str) -> Told:
    line = file_lines(start.text).line("on")
    return Told(start.path, line, "", "", f"the release needs {wanted}, and no step delivers it", "missing")


def _signs(
    start: Start, skipped: frozenset[tuple[str, str]], kind: str, sign: str
) -> Iterator[tuple[str, int, str, str, str]]:
    """List the steps that look like what is missing; those of jobs that were skipped come as their jobs."""
    lines, jobs = file_lines(start.text), document(start.text.encode())["jobs"]
    for key, job in jobs.items():
        steps = job.get("steps") or ([job] if "uses" in job else [])
        signed = [number for number, step in enumerate(steps) if _SIGNS[kind].search(json.dumps(step))]
        if not signed:
            continue
        if (start.path, key) in skipped:
            yield start.path, _condition_line(lines, "jobs", key), key, "", _skip(job, f"job {key} is skipped")
            continue
        number = max(reversed(signed), key=[sign in json.dumps(step) for step in steps].__getitem__)
        step = steps[number]
        name = str(step.get("name") or step.get("uses") or "run").splitlines()[0]
        place = ("jobs", key, "steps", number) if "steps" in job else ("jobs", key)
        yield start.path, _condition_line(lines, *place), key, name, _skip(step, "this step does not deliver it")


def _condition_line(lines: Lines, *place: str | int) -> int:
    return lines.line(*place, "if") if lines.has(*place, "if") else lines.line(*place)


def _skip(spec: dict[str, object], what: str) -> str:
    return f"{what} (if: {spec['if']})" if "if" in spec else what


def _unread(over: Over) -> Iterator[Told]:
    """Tell of an input that the release turns on and nothing in the file reads: a run without it does the same."""
    start = over.starts[0]
    content = document(start.text.encode())
    used = json.dumps({key: value for key, value in content.items() if key != "on"})
    for rule in over.need.rules:
        sent = start.inputs.get(rule.input)
        declared = sent is not None and rule.wanted and is_on(sent)
        if declared and not re.search(rf"inputs(?:\.|\[\s*'){re.escape(rule.input)}\b", used):
            line = file_lines(start.text).line("on", "workflow_dispatch", "inputs", rule.input)
            does = f"{rule.input} is never read: a run without it does the same"
            yield Told(start.path, line, "", "", does, "missing")
