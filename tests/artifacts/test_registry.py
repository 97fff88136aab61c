"""The image's release with any OCI registry in ECR's place: Debian's docker-registry, open and with a password."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from conftest import FakeClock, again, open_context, printed
from docker_registry import HTPASSWD, TESTER, installed, push, serving
from doubles import PYTHONS, Doubles

from release.artifacts.images import registry
from release.call.context import Context
from release.errors import Blocked, Conflict, Failed, Usage
from release.sandbox import Sandbox
from release.settings import Image, Release, Settings
from release.tasks import image, lines

pytestmark = installed
TAGS = [f"photon-py{python}-runner-0.7.0" for python in PYTHONS]
OLD = [f"photon-py{python}-runner-0.6.2" for python in PYTHONS]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A registry with a password, and the images of 0.6.2 in it."""
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    for found in serving(tmp_path, f"auth: {{htpasswd: {{realm: tests, path: '{tmp_path / 'htpasswd'}'}}}}\n"):
        for tag in OLD:
            push(found, "lepton", tag, note=tag, auth=TESTER)
        yield found


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, url: str) -> Context:
    """A world whose images go to that registry, pushed there by the double of the image workflow."""
    doubles = Doubles(sandbox, silent={"platform.yaml"})
    into = partial(push, url, auth=TESTER)
    monkeypatch.setattr(doubles, "push", lambda repository, tag, content="": into(repository, tag, note=content))
    settings = Settings(release=Release(poll=0.1), image=Image(registry=url))
    found = open_context(sandbox, monkeypatch, clock=FakeClock(), settings=settings)
    monkeypatch.setenv("REGISTRY_USERNAME", TESTER[0])
    monkeypatch.setenv("REGISTRY_PASSWORD", TESTER[1])
    return found


def test_f21_a_release_with_another_registry(context: Context) -> None:
    before = registry(context).image_digests("lepton", list)
    assert sorted(before) == sorted(OLD)
    image.release(context, "0.7.0")
    after = registry(context).image_digests("lepton", list)
    assert sorted(after) == sorted(OLD + TAGS)
    assert {tag: after[tag] for tag in OLD} == before
    image.check(again(context), "0.7.0")


def test_f21_an_old_image_overwritten_there_is_named(sandbox: Sandbox, context: Context, url: str) -> None:
    overwrite = lambda: push(url, "lepton", OLD[0], note="other", auth=TESTER)  # noqa: E731
    sandbox.github.faults.add("POST", "/dispatches", call=overwrite)
    with pytest.raises(Conflict) as caught:
        image.release(context, "0.7.0")
    assert f"1 of 5 in lepton of {url} changed meanwhile:\n{OLD[0]}: was sha256:" in caught.value.problem


def test_f21_a_tag_that_exists_there_is_a_conflict(context: Context, url: str) -> None:
    push(url, "lepton", TAGS[2], auth=TESTER)
    with pytest.raises(Conflict, match=f"image lepton:{TAGS[2]} exists already"):
        image.release(context, "0.7.0")


def test_a_tag_is_blocked_by_an_image_that_is_missing_there(context: Context) -> None:
    other = replace(context.settings.image, repository="elsewhere")
    lines.branch(context, "0.7.0")
    with pytest.raises(Blocked, match=r"photon-py3\.7-runner-0\.6\.2 is not in elsewhere, nor are 4 others"):
        lines.tag(again(context, settings=replace(context.settings, image=other)), "0.7.0")


def test_s01_the_password_comes_from_the_environment_and_goes_nowhere_else(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    image.release(context, "0.7.0")
    assert TESTER[1] not in printed(context)
    monkeypatch.delenv("REGISTRY_PASSWORD")
    with pytest.raises(Failed) as caught:
        image.check(again(context), "0.7.0")
    assert "REGISTRY_USERNAME and REGISTRY_PASSWORD" in caught.value.hint
    monkeypatch.setenv("REGISTRY_PASSWORD", "wrong horse")
    with pytest.raises(Failed) as caught:
        image.check(again(context), "0.7.0")
    assert "wrong horse" not in str(caught.value)


def test_s02_a_registry_that_is_not_https_is_refused(context: Context) -> None:
    settings = replace(context.settings, image=Image(registry="http://registry.example.com"))
    with pytest.raises(Usage, match="is not https"):
        image.check(again(context, settings=settings), "0.7.0")
