"""Workflows simulated as they stand: what is out there then, what is told of it, and what is missing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import rehearsal_sample

from release.sandbox import Sandbox
from release.sandbox.runner import RunLike, Start
from release.sandbox.simulation import Simulation, Told

FOLDER = ".github/workflows/"
SDK, IMAGES = f"{FOLDER}sdk-release.yaml", f"{FOLDER}photon-runner-docker-images.yaml"
RELEASED = {"publish_s3": True, "publish_pypi": False, "run_e2e": False, "is_release": True}
PLATFORM = ("lepton-api-server", "lepton-deployment-operator", "lepton-web")


@dataclass
class World:
    """A sandbox whose workflows are simulated, each time by a simulation of its own."""

    sandbox: Sandbox
    files: dict[str, str]
    ids: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))
    wheels: Any = None  # built once for all

    def simulate(
        self, *starts: tuple[str, str], event: str, tag: str, inputs: dict[str, Any] | None = None
    ) -> list[Told]:
        """Run the texts at the paths to their end, and return what is told."""
        simulation = Simulation(self.sandbox.cloud, self.sandbox.job_environment())
        simulation._wheels = self.wheels
        runs = [self._run(simulation, path, text, event, tag, inputs or {}) for path, text in starts]
        self.wheels = simulation._wheels
        self.conclusions = [run.conclusion for run in runs]
        self.logs = [job.log for run in runs for job in run.jobs]
        return simulation.told

    def _run(
        self, simulation: Simulation, path: str, text: str, event: str, tag: str, inputs: dict[str, Any]
    ) -> RunLike:
        hub, number = self.sandbox.github.hub, next(self.ids)
        sha = self.sandbox.bare.sha("refs/heads/main") or ""
        ref = f"refs/tags/{tag}" if tag else "refs/heads/main"
        run = simulation.runner(hub, Start(text, path, sha, ref, event, inputs, "me", 5000 + number, number))
        run.start()
        deadline = time.monotonic() + 120
        while run.status != "completed" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert run.status == "completed"
        return run

    def sdk(self, text: str, tag: str = "0.8.0", **inputs: bool) -> list[Told]:
        return self.simulate((SDK, text), event="workflow_dispatch", tag=tag, inputs=RELEASED | inputs)

    def images(self, text: str, version: str) -> list[Told]:
        inputs = {"version": version, "is_release": True}
        return self.simulate((IMAGES, text), event="workflow_dispatch", tag="", inputs=inputs)

    def keys(self) -> list[str]:
        found = self.sandbox.cloud.client("s3").list_objects_v2(Bucket="lepton-sdk").get("Contents", ())
        return [each["Key"] for each in found]

    def forget_wheels(self) -> None:
        """Take them away: a version that is out already is not missing."""
        for key in self.keys():
            self.sandbox.cloud.client("s3").delete_object(Bucket="lepton-sdk", Key=key)

    def tags(self, repository: str) -> set[str]:
        found = self.sandbox.cloud.client("ecr").list_images(repositoryName=repository)["imageIds"]
        return {each["imageTag"] for each in found}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    files = rehearsal_sample.files()
    with Sandbox(files) as made:
        made.bare.git("tag", "0.7.0", "refs/heads/main")
        yield World(made, files)


def kinds(told: list[Told], kind: str) -> list[tuple[str, int, str]]:
    return [(each.workflow.rpartition("/")[2], each.line, each.does) for each in told if each.kind == kind]


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def missing(told: list[Told]) -> list[tuple[int, str]]:
    return [(each.line, each.does) for each in told if each.kind == "missing"]


def test_the_wheel_is_built_and_put_where_the_steps_put_it(world: World) -> None:
    text = world.files[SDK]
    told = world.sdk(text, tag="0.7.0")
    assert world.conclusions == ["success"]
    assert world.keys() == ["release/leptonai-0.7.0-py3-none-any.whl"]
    assert missing(told) == []
    line, does = line_of(text, 'aws s3 cp "$wheel"'), "put s3://lepton-sdk/release/leptonai-0.7.0-py3-none-any.whl"
    assert ("sdk-release.yaml", line, does) in kinds(told, "effect")
    assert any("curl -fsSL" in does for _, _, does in kinds(told, "listed"))
    assert any("./aws/install" in does for _, _, does in kinds(told, "untold"))


def test_each_image_of_a_loop_is_pushed(world: World) -> None:
    text = world.files[IMAGES]
    told = world.images(text, "0.7.0")
    wanted = {f"photon-py3.{minor}-runner-0.7.0" for minor in (7, 8, 9, 10, 11)}
    assert world.conclusions == ["success"]
    assert wanted <= world.tags("lepton")
    assert missing(told) == []
    assert {line for _, line, _ in kinds(told, "effect")} == {line_of(text, 'docker push "$tag"')}


def test_called_workflows_push_what_a_tag_starts(world: World) -> None:
    starts = [
        (f"{FOLDER}{name}-release.yaml", world.files[f"{FOLDER}{name}-release.yaml"]) for name in ("workspace", "web")
    ]
    told = world.simulate(*starts, event="push", tag="0.7.0")
    assert world.conclusions == ["success", "success"]
    assert all("0.7.0" in world.tags(name) for name in PLATFORM)
    assert missing(told) == []
    assert {name for name, _, _ in kinds(told, "effect")} == {"build-docker-image.yaml"}
    assert any("pushed 123456789012.dkr" in log for log in world.logs), "an output that is read goes on"


def test_one_of_several_runs_alone_leaves_images_missing(world: World) -> None:
    path = f"{FOLDER}web-release.yaml"
    told = world.simulate((path, world.files[path]), event="push", tag="0.8.1")
    assert [does.split(",")[0] for _, does in missing(told)] == [
        f"the release needs {name}:0.8.1" for name in PLATFORM[:2]
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        (
            "s3://lepton-sdk/release/",
            "s3://lepton-sdk/",
            'aws s3 cp "$wheel"',
            "this delivers s3://lepton-sdk/leptonai",
        ),
        ("s3://lepton-sdk/release/", "s3://other/release/", 'aws s3 cp "$wheel"', "this delivers s3://other/release/"),
        (
            "        if: inputs.is_release\n",
            "        if: inputs.is_release == 'yes'\n",
            "'yes'",
            "if: inputs.is_release",
        ),
        (
            "    if: inputs.publish_s3\n",
            "    if: inputs.publish_pypi\n",
            "if: inputs.publish_pypi",
            "job publish-s3 is skipped",
        ),
    ],
)
def test_a_wheel_elsewhere_is_missing(world: World, old: str, new: str, line: str, says: str) -> None:
    text = world.files[SDK].replace(old, new, 1)
    world.forget_wheels()
    found = missing(world.sdk(text, tag="0.7.0"))
    assert [number for number, _ in found] == [line_of(text, line)]
    assert says in found[0][1]
    assert "s3://lepton-sdk/release/" in found[0][1]


def test_an_input_that_is_never_read_is_told(world: World) -> None:
    text = world.files[SDK].replace("if: inputs.is_release", "if: always()").replace("!inputs.is_release", "failure()")
    found = missing(world.sdk(text, tag="0.7.0"))
    assert found == [(line_of(text, "is_release: {"), "is_release is never read: a run without it does the same")]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("runner-${VERSION}", "base-${VERSION}", "docker push", "lepton:photon-py3.11-base-0.8.2"),
        ("REPOSITORY: lepton", "REPOSITORY: others", "docker push", "/others:photon-py3.11-runner-0.8.2"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com\n", "ghcr.io\n", "docker push", "ghcr.io/lepton"),
        (
            'if [ "$IS_RELEASE" = "true" ]',
            'if [ "$IS_RELEASE" = "yes" ]',
            "- name: Build and push",
            "does not deliver it",
        ),
        ('docker push "$tag"', "true", "- name: Build and push", "does not deliver it"),
    ],
)
def test_an_image_elsewhere_is_missing(world: World, old: str, new: str, line: str, says: str) -> None:
    text = world.files[IMAGES].replace(old, new, 1)
    found = missing(world.images(text, "0.8.2"))
    assert [does.split(",")[0].rpartition("-py")[2] for _, does in found] == [
        f"3.{minor}-runner-0.8.2" for minor in (7, 8, 9, 10, 11)
    ]
    assert {number for number, _ in found} == {line_of(text, line)}
    assert says in found[0][1]


def test_what_cannot_be_told_is_taken_as_the_release_needs_it(world: World) -> None:
    text = world.files[IMAGES].replace("VERSION: ${{ inputs.version }}", "VERSION: ${{ vars.VERSION }}")
    told = world.images(text, "0.8.3")
    assert missing(told) == []
    assert "photon-py3.7-runner-0.8.3" in world.tags("lepton")
    assert kinds(told, "effect") == []
    said = [does for _, _, does in kinds(told, "untold")]
    assert any("<vars.VERSION>: taken as lepton:photon-py3.7-runner-0.8.3" in does for does in said)


def test_a_step_whose_condition_is_not_known_is_taken_as_done(world: World) -> None:
    text = world.files[IMAGES].replace(
        "      - name: Build and push\n", "      - name: Build and push\n        if: vars.PUSH == 'yes'\n"
    )
    told = world.images(text, "0.8.4")
    assert missing(told) == []
    assert (IMAGES.rpartition("/")[2], line_of(text, "if: vars.PUSH")) in {
        (name, line) for name, line, does in kinds(told, "untold") if "depends on vars.PUSH: taken as done" in does
    }


def test_an_image_is_never_pushed_over_where_the_steps_ask_first(world: World) -> None:
    asks = 'docker manifest inspect "$tag" && exit 1\n            docker build'
    text = world.files[IMAGES].replace("docker build", asks, 1)
    world.images(world.files[IMAGES], "0.8.5")
    world.images(text, "0.8.5")
    assert world.conclusions == ["failure"]


def test_docker_s_own_actions_and_those_of_the_repository_push(world: World) -> None:
    text = """\
name: Images
on: {workflow_dispatch: {inputs: {version: {type: string}, is_release: {type: boolean}}}}
jobs:
  plan:
    runs-on: x
    outputs: {pythons: "${{ steps.ask.outputs.pythons }}"}
    steps:
      - id: ask
        run: python plan.py >> "$GITHUB_OUTPUT"
  build:
    needs: plan
    runs-on: x
    strategy: {matrix: {python: "${{ fromJSON(needs.plan.outputs.pythons) }}"}}
    steps:
      - uses: docker/build-push-action@v6
        with:
          push: ${{ inputs.is_release }}
          tags: ${{ secrets.REGISTRY }}/lepton:photon-py${{ matrix.python }}-runner-${{ inputs.version }}
"""
    told = world.images(text, "0.8.6")
    assert world.conclusions == ["success"]
    assert missing(told) == []
    said = [does for _, _, does in kinds(told, "untold")]
    assert any("the matrix depends on needs.plan.outputs.pythons" in does for does in said)
    assert {f"photon-py3.{minor}-runner-0.8.6" for minor in (7, 8, 9, 10, 11)} <= world.tags("lepton")
