"""Another team's repository, released with settings alone: it shares no name with the sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import second_sample
import yaml
from conftest import FakeClock, open_context, printed
from second_sample import SETTINGS, TRUNK, VERSION_FILE, second_repository

from release.artifacts.image_release import bump_apart
from release.call.context import Context
from release.errors import Blocked, Usage
from release.sandbox import History, Sandbox
from release.settings import Settings, read
from release.tasks import lines, pipelines
from release.versions import parse

World = Callable[..., tuple[Sandbox, Context]]
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

    def make(**changes: dict[str, object]) -> tuple[Sandbox, Context]:
        made.append(Sandbox(history=History(source, "origin", TRUNK, settings(**changes))))
        made[-1].start()
        # Tasks that are typed there read this of the sandbox's environment.
        changes["image"] = {**changes.get("image", {}), "registry": made[-1].environment()["INVOKE_IMAGE_REGISTRY"]}
        return made[-1], open_context(made[-1], monkeypatch, settings=settings(**changes), clock=FakeClock())

    yield make
    for each in made:
        each.close()


def test_a_tag_that_the_wheel_would_belie_is_refused_before_anything_is_written(world: World) -> None:
    sandbox, context = world(sdk={"version_file": ""})
    refs = sandbox.bare.refs()
    said = r"the tag would be 1\.5\.0, the wheel 1\.4\.2: src/acme_tools/__init__\.py at \w+ fixes it"
    for releases in (
        lambda: pipelines.minor(context, "1.5.0"),
        lambda: lines.tag(context, "1.5.0", ref=TRUNK),
        lambda: pipelines.minor(context, "1.5.0", image=False),
    ):
        with pytest.raises(Blocked, match=said) as caught:
            releases()
        assert f"sdk.version_file: {VERSION_FILE}" in caught.value.hint
    assert sandbox.bare.refs() == refs


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
        lines.tag(context, "1.5.0", ref=TRUNK)
