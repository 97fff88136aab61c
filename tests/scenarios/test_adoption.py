"""Another team's repository, released with settings alone: it shares no name with the sample."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import second_sample
import yaml
from conftest import FakeClock, again, open_context, printed
from doubles import wheel
from scripted_run import ScriptedRun
from second_sample import FILES, SETTINGS, TRUNK, VERSION_FILE, second_repository

from release.artifacts.image_release import bump_apart
from release.artifacts.s3 import wheel_key
from release.call.context import Context, Options
from release.call.flags import PickRequest
from release.call.report import Report
from release.errors import Blocked, Usage
from release.sandbox import History, Sandbox
from release.settings import Settings, read
from release.tasks import lines, pipelines, proofs, setup
from release.versions import parse

World = Callable[..., tuple[Sandbox, Context]]
ROOT = Path(__file__).parents[2]
TASKS = "from release import namespace\n"
SERVE = """
import signal
from invoke.main import program

signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background begins without it
program.run(["inv", "sandbox.serve", "--here"])
"""
OURS = yaml.safe_load(SETTINGS)


def settings(**changes: dict[str, object]) -> Settings:
    """Return the second team's settings, with changes."""
    return read({name: {**part, **changes.get(name, {})} for name, part in OURS.items()})


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return second_repository(tmp_path_factory.mktemp("second"))


@pytest.fixture
def world(source: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """`world(sdk={…})` is a sandbox of the second repository, and a call in its clone."""
    made: list[Sandbox] = []

    def make(source: Path = source, **changes: dict[str, object]) -> tuple[Sandbox, Context]:
        made.append(Sandbox(history=History(source, "origin", TRUNK, settings(**changes))))
        made[-1].start()
        # Tasks that are typed there read this of the sandbox's environment.
        changes["image"] = {**changes.get("image", {}), "registry": made[-1].environment()["INVOKE_IMAGE_REGISTRY"]}
        return made[-1], open_context(made[-1], monkeypatch, settings=settings(**changes), clock=FakeClock())

    yield make
    for each in made:
        each.close()


class Double(ScriptedRun):
    """A run of a workflow that `release.init` wrote: it ends at once, what it leaves outside is real."""

    def __init__(self, sandbox: Sandbox, start: Any) -> None:
        self.sandbox, self.asked, self.workflow = sandbox, start, start.path.rpartition("/")[2]
        jobs = {"sdk-release.yaml": ("build-package", "test-package (3.12)", "publish-s3")}
        super().__init__(dict.fromkeys(jobs.get(self.workflow, ("image",)), "success"))

    def end(self, conclusion: str = "") -> None:
        cloud, version = self.sandbox.cloud, self.asked.ref.rpartition("/")[2]
        assert cloud
        match self.workflow:
            case "sdk-release.yaml":
                named = re.search('= "(.*)"', self.sandbox.bare.file(self.asked.sha, VERSION_FILE) or "")
                built = named[1] if named else ""  # a wheel has the version of its file, whatever the tag says
                key = f"wheels/acme_tools-{built}-py3-none-any.whl"
                content = wheel(built, "acme_tools", "acme")
                cloud.client("s3").put_object(Bucket="acme-wheels", Key=key, Body=content)
            case "runner-images.yaml":
                cloud.push_image("acme-runner", f"runner-{self.asked.inputs['version']}")
            case "platform.yaml":
                cloud.push_image("acme-service", version)
        super().end(conclusion)


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second repository once `release.init` wrote into it, and that was pushed."""
    root = second_repository(tmp_path_factory.mktemp("adopted"))
    setup.init(Context(Settings(), Report(stream=io.StringIO()), Options(yes=True), folder=root))
    for words in (("add", "-A"), ("commit", "-qm", "Release with Invoke tasks"), ("push", "-q")):
        second_sample.git(root, *words)
    return root


@pytest.mark.slow
def test_every_pipeline_releases_it_with_settings_alone(adopted: Path, world: World) -> None:
    sandbox, context = world(source=adopted)
    sandbox.github.use_runner(lambda _, start: Double(sandbox, start))

    def head(branch: str, path: str) -> str:
        return sandbox.bare.file(f"refs/heads/{branch}", path) or ""

    pipelines.minor(again(context))
    assert '"1.5.0"' in head(TRUNK, VERSION_FILE)
    refs, writes = sandbox.bare.refs(), len(sandbox.github.writes())
    pipelines.minor(again(context))
    assert (sandbox.bare.refs(), len(sandbox.github.writes())) == (refs, writes), "done is done"

    with pytest.raises(Usage, match=r"line 1\.4 has releases, but no branch") as caught:
        pipelines.patch(again(context), "1.4")
    command = caught.value.hint.partition("inv ")[2].split()
    assert command[0] == "release.branch", "ready to paste"
    lines.branch(again(context), command[command.index("--version") + 1], command[command.index("--ref") + 1])
    (branch,) = (name for name in sandbox.bare.refs() if "release-1.4-" in name)
    assert sandbox.bare.sha(branch) == sandbox.bare.sha("1.4.2")

    second_sample.git(sandbox.work, "fetch", "-q")
    (sandbox.work / "service" / "app.txt").write_text("a better service\n")
    second_sample.git(sandbox.work, "checkout", "-q", "-B", TRUNK, f"origin/{TRUNK}")
    second_sample.git(sandbox.work, "commit", "-qam", "Serve better")
    second_sample.git(sandbox.work, "push", "-q", "origin", TRUNK)
    fix = sandbox.bare.sha(f"refs/heads/{TRUNK}") or ""
    patched = again(context)
    pipelines.patch(patched, "1.5", wanted=PickRequest(commit=(fix,)), checks=False)
    assert patched.version == parse("1.5.1")
    tagged = sandbox.bare.sha("1.5.1") or ""
    assert '"1.5.1"' in (sandbox.bare.file(tagged, VERSION_FILE) or "")
    assert '"1.5.0"' in (sandbox.bare.file(tagged, second_sample.IMAGE_FILE) or ""), "the image is that of 1.5.0"

    alone = again(context)
    pipelines.component(alone, "service")
    assert alone.version == parse("1.5.2")
    for version in ("1.5.0", "1.5.1", "1.5.2"):
        proved = again(context)
        proofs.verify(proved, version)
        assert "✘" not in printed(proved)
    shown = again(context)
    proofs.status(shown)
    assert "1.5.1" in printed(shown)


def test_a_tag_that_the_wheel_would_belie_is_refused_before_anything_is_written(world: World) -> None:
    sandbox, context = world(sdk={"version_file": ""})
    refs = sandbox.bare.refs()
    said = r"the tag would be 1\.5\.0, the wheel 1\.4\.2: src/acme_tools/__init__\.py at \w+ fixes it"
    for releases in (
        lambda: pipelines.minor(context, "1.5.0"),
        lambda: pipelines.minor(context, "1.5.0", image=False),
    ):
        with pytest.raises(Blocked, match=said) as caught:
            releases()
        assert f"sdk.version_file: {VERSION_FILE}" in caught.value.hint
    assert sandbox.bare.refs() == refs
    lines.branch(again(context), "1.5.0")
    with pytest.raises(Blocked, match=said):
        lines.tag(again(context), "1.5.0")


def test_the_versions_file_is_set_with_the_images_in_one_commit(world: World) -> None:
    sandbox, context = world()
    head = bump_apart(context, parse("1.5.0"))
    files = {change.path for change in sandbox.bare.changes(f"{head.sha}^", head.sha)}
    assert files == {VERSION_FILE, second_sample.IMAGE_FILE}
    for path in files:
        assert '"1.5.0"' in (sandbox.bare.file(head.sha, path) or "")
    assert "1.4.2" not in printed(context)


def test_a_file_that_does_not_fix_the_version_is_no_version_file(world: World) -> None:
    _, context = world(sdk={"version_file": "src/acme_tools/cli.py"})
    with pytest.raises(Usage, match=rf"the wheel's version comes from {VERSION_FILE}"):
        pipelines.minor(context, "1.5.0")


def documented_steps() -> list[str]:
    """Return the commands of "In five steps" as they are typed."""
    page = (ROOT / "docs" / "adopters.md").read_text(encoding="utf-8")
    block = page.partition("## In five steps")[2].partition("```console\n")[2].partition("```")[0]
    return [line.removeprefix("$ ").partition("  #")[0].strip() for line in block.splitlines()]


@pytest.mark.parametrize("rehearsed", ["--dry release.minor", pytest.param("release.minor", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_the_documented_steps_lead_from_nothing_to_a_rehearsed_release(source: Path, rehearsed: str) -> None:
    """Each command as the page has it, in a clone without a task file; at last the doctor, who finds nothing bad."""
    with Sandbox(history=History(source, "origin", TRUNK, settings())) as real:
        theirs = environment(**real.environment())
        registry = theirs.pop("INVOKE_IMAGE_REGISTRY")

        def type_(command: str, **more: str) -> str:
            done = subprocess.run(
                command, shell=True, cwd=real.work, env={**theirs, **more}, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
            return done.stdout

        install, *steps, last = documented_steps()
        assert install == "pip install 'release-tasks[sandbox]'"
        assert len(steps) == 3
        for step in steps:
            type_(step)
        assert yaml.safe_load((real.work / "invoke.yaml").read_text()) == OURS
        said = type_(last.replace("release.minor", rehearsed))
        assert "image acme-runner:runner-1.5.0" in said or "runner-1.5.0 in acme-runner" in said
        assert "s3://acme-wheels/wheels/acme_tools-1.5.0-py3-none-any.whl" in said
        assert ("1.5.0 is released" in said) is (rehearsed == "release.minor")
        assert "✘" not in type_("inv release.doctor", INVOKE_IMAGE_REGISTRY=registry)
        assert "1.5.0" not in "".join(real.bare.refs()), "a rehearsal leaves the repository as it is"


def environment(**more: str) -> dict[str, str]:
    """Return what another team's shell has: no sandbox, and this project on its path."""
    return {**os.environ, **second_sample.WHO, "PYTHONPATH": str(ROOT), "GIT_CONFIG_GLOBAL": os.devnull, **more}


def test_a_rehearsal_says_what_the_build_needs(tmp_path: Path) -> None:
    needs = FILES["pyproject.toml"].replace('["hatchling"]', '["hatchling", "no-such-backend>=2"]')
    root = second_repository(tmp_path, {"pyproject.toml": needs, "invoke.yaml": SETTINGS, "tasks.py": TASKS})
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "sandbox.rehearse"],
        cwd=root, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "building acme-tools needs no-such-backend>=2" in done.stderr
    assert "pip install 'no-such-backend>=2'" in done.stderr


@pytest.mark.slow
def test_the_world_around_ones_own_repository_stays_up(adopted: Path) -> None:
    """`sandbox.serve --here`: its trunk, its versions, its registry, none of which is the sample's."""
    served = subprocess.Popen(
        [sys.executable, "-c", SERVE], cwd=adopted, env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert served.stdout
        sourced = next(line.split()[1] for line in served.stdout if line.startswith("  source "))
        asks = f'. {sourced} && inv release.next && git branch --show-current && echo "$INVOKE_IMAGE_REGISTRY"'
        done = subprocess.run(["sh", "-c", asks], env=environment(), capture_output=True, text=True, check=True)
    finally:
        served.send_signal(signal.SIGINT)
        assert served.wait(30) == 0
    version, trunk, registry = done.stdout.split()
    assert (version, trunk) == ("1.5.0", TRUNK)
    assert registry.startswith("http://127.0.0.1:")


def test_a_wheel_may_have_another_name_than_its_package(world: World) -> None:
    _, context = world(sdk={"distribution": "acme-kit"})
    assert wheel_key(context, parse("1.5.0")) == "wheels/acme_kit-1.5.0-py3-none-any.whl"


def test_a_team_without_an_image_of_its_own_releases_without_a_flag(adopted: Path, world: World) -> None:
    _, context = world(image={"config_file": ""})
    with pytest.raises(Blocked, match=r"the wheel 1\.4\.2") as caught:
        pipelines.minor(context, "1.5.0")
    assert caught.value.hint == "Set it there first, by a pull request: 1.5.0", "no image to set it with"
    sdk: dict[str, object] = {"path": "nowhere", "version_file": ""}
    _, context = world(source=adopted, image={"config_file": ""}, sdk=sdk)
    dry = again(context, dry=True)
    pipelines.minor(dry, "1.5.0")
    assert "acme-service:1.5.0" in printed(dry)
    assert "runner" not in printed(dry)
