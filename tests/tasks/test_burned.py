"""A name that an immutable release had and lost: told apart from a rule's refusal, left out, and never tried twice."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from conftest import FakeClock, again, open_context
from history import advance
from outside import git, peeled, remote_refs, writes

from release.call.context import Context
from release.errors import Conflict, Failed
from release.sandbox import Sandbox
from release.sandbox.github.records import TOKEN
from release.sandbox.github.rules import protect
from release.tasks import lines, pipelines

pytestmark = pytest.mark.usefixtures("doubles")

LINE, BURNED = "refs/heads/release-0.6-20260901", "refs/release/burned/"


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    """Line 0.6, whose highest tag is 0.6.2, with something new on its branch."""
    context = open_context(sandbox, monkeypatch, clock=FakeClock())
    sandbox.bare.git("update-ref", LINE, "refs/tags/0.6.2^{commit}")
    advance(sandbox, LINE.removeprefix("refs/heads/"))
    git(sandbox.work, "fetch", "--quiet", "origin")
    return context


def ask(sandbox: Sandbox, method: str, path: str, body: Any = None) -> Any:
    url = f"{sandbox.github.hub.api}/{path}"
    answer = requests.request(method, url, json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def burn(sandbox: Sandbox, name: str, tag_too: bool = True) -> None:
    """Publish an immutable release of that name, and delete it, as somebody did before."""
    sandbox.github.hub.settings.immutable_releases = True
    made = ask(sandbox, "POST", "releases", {"tag_name": name, "target_commitish": LINE.removeprefix("refs/heads/")})
    ask(sandbox, "DELETE", f"releases/{made['id']}")
    if tag_too:
        sandbox.bare.git("update-ref", "-d", f"refs/tags/{name}")


def burned(sandbox: Sandbox) -> list[str]:
    return [ref.removeprefix(BURNED) for ref in sandbox.bare.refs(BURNED)]


def pushes(sandbox: Sandbox) -> int:
    return sum(each.endswith("git-receive-pack") for each in writes(sandbox))


def test_f35_a_burned_name_is_tried_once_and_left_out_from_then_on(context: Context, sandbox: Sandbox) -> None:
    burn(sandbox, "0.6.3")
    with pytest.raises(Conflict, match=r"0\.6\.3 is burned: an immutable release had that name") as refused:
        lines.tag(context, "0.6.3")
    assert refused.value.hint.splitlines() == [
        "Take the next version: inv release.next --line 0.6",
        "Should GitHub take it after all: git push origin :refs/release/burned/0.6.3",
    ]
    assert (burned(sandbox), peeled(sandbox, "0.6.3")) == (["0.6.3"], None)
    tried = pushes(sandbox)
    for task in (lines.tag, lines.check):
        with pytest.raises(Conflict, match="burned"):
            task(again(context), "0.6.3")
    assert pushes(sandbox) == tried
    assert str(lines.next_(again(context), line="0.6")) == "0.6.4"
    assert lines.tag(again(context)).name == "refs/tags/0.6.4"
    assert peeled(sandbox, "0.6.4") == remote_refs(sandbox)[LINE]
    assert "0.6.3" not in git(sandbox.work, "tag")


def test_f35_a_clone_of_depth_1_leaves_it_out_too(context: Context, sandbox: Sandbox) -> None:
    sandbox.bare.git("update-ref", f"{BURNED}0.6.3", LINE)
    git(sandbox.folder, "clone", "--quiet", "--depth=1", sandbox.bare.path.as_uri(), "shallow")
    git(sandbox.folder / "shallow", "remote", "set-url", "origin", git(sandbox.work, "remote", "get-url", "origin"))
    assert str(lines.next_(again(context, folder=sandbox.folder / "shallow"), line="0.6")) == "0.6.4"


@pytest.mark.parametrize("seen", ["rules", "no rules"])
def test_f35_a_rule_against_new_tags_burns_nothing(context: Context, sandbox: Sandbox, seen: str) -> None:
    """It says the same words; where the rules cannot be read, nobody can tell, and nothing is noted."""
    protect(sandbox.github.hub, "refs/tags/*", creation={})
    if seen == "no rules":
        sandbox.github.faults.add("GET", "/rulesets", status=403, body={"message": "no access"}, times=None)
    with pytest.raises(Failed, match="creations being restricted") as refused:
        lines.tag(context, "0.6.3")
    assert refused.value.code == 1
    assert burned(sandbox) == []
    assert str(lines.next_(again(context), line="0.6")) == "0.6.3"


def test_f35_a_tag_whose_release_is_burned_is_no_release_to_go_on_with(context: Context, sandbox: Sandbox) -> None:
    """The tag stayed, its Release can never be: what is at that commit is released as the next version."""
    pipelines.patch(context, "0.6", checks=False)
    (release,) = sandbox.github.hub.releases.values()
    release.draft = True
    sandbox.github.hub.burned.add("0.6.3")
    with pytest.raises(Conflict, match=r"0\.6\.3 is burned"):
        pipelines.patch(again(context), "0.6", checks=False)
    assert burned(sandbox) == ["0.6.3"]
    tried = writes(sandbox)
    with pytest.raises(Conflict, match=r"0\.6\.3 is burned"):
        pipelines.patch(again(context), version="0.6.3", checks=False)
    assert writes(sandbox) == tried
    pipelines.patch(again(context), "0.6", checks=False)
    assert peeled(sandbox, "0.6.4") == peeled(sandbox, "0.6.3")
    assert [each.tag for each in sandbox.github.hub.releases.values() if not each.draft] == ["0.6.4"]


def test_f35_a_minor_whose_name_is_burned_is_not_the_next(context: Context, sandbox: Sandbox) -> None:
    sandbox.bare.git("update-ref", f"{BURNED}0.7.0", "refs/heads/main")
    assert str(lines.next_(again(context))) == "0.8.0"
    sandbox.bare.git("update-ref", "refs/heads/release-0.7-20261122", "refs/heads/main")
    assert lines.tag(again(context)).name == "refs/tags/0.7.1", "the line is cut: its first patch is next on it"
