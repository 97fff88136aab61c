"""Doubles of the sample's workflows: their jobs end at once, what they leave outside is real."""

from __future__ import annotations

import base64
import hashlib
import io
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from conftest import FakeClock, open_context
from scripted_run import ScriptedRun

from release.sandbox import Sandbox
from release.sandbox.cloud import BUCKET
from release.tasks import pipelines

SDK, IMAGE, PLATFORM, CHECKS = "sdk-release.yaml", "photon-runner-docker-images.yaml", "platform.yaml", "checks.yaml"
PYTHONS = ("3.7", "3.8", "3.9", "3.10", "3.11")
IMAGES = ("lepton-api-server", "lepton-deployment-operator", "lepton-web")
LOG = "".join(f"line {number}\n" for number in range(1, 31))


@dataclass
class Doubles:
    """Run workflows in place of the sandbox, by the names of their files and jobs.

    `fail` names jobs that fail, `hang` workflows that go on until the test calls `end`,
    `silent` workflows that are green and leave nothing. All may be changed between runs.
    """

    sandbox: Sandbox
    fail: set[str] = field(default_factory=set)
    hang: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    started: list[DoubleRun] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sandbox.github.use_runner(self.run)

    def run(self, _: object, start: Any) -> DoubleRun:
        """Make the run; the server starts it."""
        run = DoubleRun(self, start)
        self.started.append(run)
        return run

    def runs_of(self, workflow: str) -> list[DoubleRun]:
        return [run for run in self.started if run.workflow == workflow]

    @cached_property
    def s3(self) -> Any:
        assert self.sandbox.cloud
        return self.sandbox.cloud.client("s3")

    def push(self, repository: str, tag: str, content: str = "") -> None:
        assert self.sandbox.cloud
        self.sandbox.cloud.push_image(repository, tag, content)

    def put_wheel(self, version: str, prefix: str = "release/") -> None:
        name = f"leptonai-{version}-py3-none-any.whl"
        self.s3.put_object(Bucket=BUCKET, Key=prefix + name, Body=wheel(version))


@contextmanager
def released_sandbox(version: str = "0.7.0") -> Iterator[Sandbox]:
    """A sandbox in which a version was released by doubles; for all the tests of a module that put things back."""
    with Sandbox() as made:
        Doubles(made)
        with pytest.MonkeyPatch.context() as patch:
            pipelines.minor(open_context(made, patch, clock=FakeClock(time.time())), version)
        yield made


@pytest.fixture
def doubles(sandbox: Sandbox) -> Doubles:
    """The doubles that run the workflows of this test's sandbox."""
    return Doubles(sandbox)


@pytest.fixture(scope="module")
def released() -> Iterator[Sandbox]:
    """A sandbox in which 0.7.0 was released, once for all tests of a module."""
    with released_sandbox() as made:
        yield made


class DoubleRun(ScriptedRun):
    """One run of a double."""

    def __init__(self, doubles: Doubles, start: Any) -> None:
        super().__init__({})
        self.doubles, self.asked = doubles, start
        self.workflow = start.path.rpartition("/")[2]

    def start(self) -> None:
        jobs, fail = JOBS[self.workflow](self.asked.inputs), self.doubles.fail
        self.conclusions = {name: "failure" if name in fail else became for name, became in jobs.items()}
        self.ends = self.workflow not in self.doubles.hang
        super().start()
        if not self.ends:
            self.begin()

    def end(self, conclusion: str = "") -> None:
        failed = conclusion or "failure" in self.conclusions.values()
        if not failed and self.workflow not in self.doubles.silent:
            EFFECTS.get(self.workflow, _nothing)(self.doubles, self.asked)
        super().end(conclusion)
        for job in self.jobs:
            job.log = LOG + f"{job.name} says {job.conclusion}\n"


NO_FILES: Mapping[str, str] = {}


def wheel(
    version: str, package: str = "leptonai", command: str = "lep", more: Mapping[str, str] = NO_FILES, needs: str = ""
) -> bytes:
    """Pack a small wheel, the same bytes each time: with `more` files or other texts, and a requirement it `needs`."""
    requires = f"Requires-Dist: {needs}\n" if needs else ""
    requires = f"Requires-Python: {needs[6:]}\n" if needs.startswith("python") else requires
    folder = f"{package}-{version}.dist-info"
    files = {
        f"{package}/__init__.py": f"__version__ = {version!r}\n",
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n{requires}",
        f"{folder}/entry_points.txt": f"[console_scripts]\n{command} = {package}.cli:main\n",
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nGenerator: doubles\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **more,
    }
    rows = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in files.items()]
    files[f"{folder}/RECORD"] = "\n".join([*rows, f"{folder}/RECORD,,", ""])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return packed.getvalue()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _on(inputs: Mapping[str, Any], name: str) -> bool:
    return str(inputs.get(name, "")).lower() == "true"


def _sdk_jobs(inputs: Mapping[str, Any]) -> dict[str, str]:
    asked = {"run-e2e": "run_e2e", "publish-s3": "publish_s3", "publish-pypi": "publish_pypi"}
    optional = {job: "success" if _on(inputs, name) else "skipped" for job, name in asked.items()}
    return {"build-package": "success", "test-package (3.10)": "success", "test-package (3.11)": "success", **optional}


JOBS: dict[str, Callable[[Mapping[str, Any]], dict[str, str]]] = {
    SDK: _sdk_jobs,
    IMAGE: lambda _: {f"photon-runner ({python})": "success" for python in PYTHONS},
    PLATFORM: lambda _: dict.fromkeys(IMAGES, "success"),
    CHECKS: lambda _: {"checks": "success"},
}


def _release_sdk(doubles: Doubles, start: Any) -> None:
    if _on(start.inputs, "publish_s3"):
        version = start.ref.removeprefix("refs/tags/")
        doubles.put_wheel(version, "release/" if _on(start.inputs, "is_release") else "")


def _release_images(doubles: Doubles, start: Any) -> None:
    for python in PYTHONS if _on(start.inputs, "is_release") else ():
        tag = f"photon-py{python}-runner-{start.inputs['version']}"
        doubles.push("lepton", tag, f"{tag} {start.sha}")


def _release_platform(doubles: Doubles, start: Any) -> None:
    tag = start.ref.removeprefix("refs/tags/")
    for name in IMAGES:
        doubles.push(name, tag, f"{name} {start.sha}")


def _nothing(*_: object) -> None:
    pass


EFFECTS: dict[str, Callable[[Doubles, Any], None]] = {
    SDK: _release_sdk,
    IMAGE: _release_images,
    PLATFORM: _release_platform,
}
