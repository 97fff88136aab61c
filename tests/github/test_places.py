"""Where a tag may sit, where a branch was cut, and which Release is a version's."""

from __future__ import annotations

import pytest
import semver
from conftest import again, open_context
from history import BRANCH, advance, trunk, write_release

from release.call.context import Context
from release.errors import Conflict
from release.git.lines import line_branches
from release.git.refs import NEW
from release.git.tags import trunk_ref
from release.github.api import github
from release.github.places import (
    check_beyond,
    check_place,
    checked_tag,
    commit_to_tag,
    cut_point,
    cut_point_before_merge,
)
from release.github.releases import is_latest, release_of
from release.sandbox import Sandbox
from release.versions import Line

VERSION, NEXT = semver.Version(0, 7), semver.Version(0, 7, 1)
MAIN = "refs/heads/main"


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A world in which 0.7.0 is tagged at the head of its branch, and the trunk went on."""
    write_release(sandbox)
    advance(sandbox, "main")
    return open_context(sandbox, monkeypatch)


def released(sandbox: Sandbox) -> str:
    return str(sandbox.bare.sha("refs/tags/0.7.0"))


def test_f29_a_version_sits_on_a_branch_of_its_line_alone(sandbox: Sandbox, context: Context) -> None:
    (place,), older = line_branches(context, Line(0, 7)), str(sandbox.bare.sha("refs/tags/0.7.0~1"))
    check_place(context, NEXT, place.sha, [place])
    check_place(context, NEXT, older, [place])
    head = trunk(sandbox)
    check_place(context, NEXT, head, [place, trunk_ref(context)])
    with pytest.raises(Conflict) as caught:
        check_place(context, NEXT, head, [place])
    assert caught.value.problem == f"0.7.1 at {head[:9]}: that is not on {BRANCH}"
    assert caught.value.hint == "A tag sits on its line's branch alone."
    with pytest.raises(Conflict, match=f"that is not on {BRANCH} nor on {BRANCH}"):
        check_place(context, NEXT, head, [place, place])
    with pytest.raises(Conflict, match=r"that is not on a release branch of 0\.7: there is none"):
        check_place(context, NEXT, head, [])


def test_a_tag_elsewhere_is_a_conflict(sandbox: Sandbox, context: Context) -> None:
    (place,) = line_branches(context, Line(0, 7))
    assert checked_tag(context, VERSION).sha == commit_to_tag(context, VERSION, place) == released(sandbox)
    assert commit_to_tag(context, NEXT, place) == place.sha, "where it will be tagged"
    sandbox.bare.update_ref("refs/tags/0.7.1", trunk(sandbox))
    late = again(context)
    assert checked_tag(late, NEXT).sha == trunk(sandbox), "as a component's, on the trunk"
    with pytest.raises(Conflict, match=r"0\.7\.1 at .* that is not on"):
        commit_to_tag(late, NEXT, place)
    beside = ("commit-tree", f"{MAIN}^{{tree}}", "-p", f"{MAIN}~2")
    sandbox.bare.update_ref("refs/tags/0.7.2", sandbox.bare.git(*beside, text="Beside").strip())
    with pytest.raises(Conflict, match=r"0\.7\.2 at .* that is not on"):
        checked_tag(again(context), semver.Version(0, 7, 2))


def test_f29_a_commit_that_a_release_went_beyond_is_not_released(sandbox: Sandbox, context: Context) -> None:
    older, here = str(sandbox.bare.sha("refs/tags/0.7.0~1")), released(sandbox)
    for sha in (here, trunk(sandbox)):
        check_beyond(context, semver.Version(0, 8), sha)
    with pytest.raises(Conflict) as caught:
        check_beyond(context, semver.Version(0, 8), older)
    assert caught.value.problem == f"0.8.0 at {older[:9]}: 0.7.0 is beyond that, at {here[:9]}"
    assert caught.value.hint == "Take a later commit: what is released next has all that was released before."
    check_beyond(context, VERSION, older)  # an earlier release counts, not its own


def test_a_branch_was_cut_where_its_history_left_the_trunk(sandbox: Sandbox, context: Context) -> None:
    base, head = released(sandbox), advance(sandbox, BRANCH)
    assert cut_point(context, head) == base
    assert [cut_point(context, sha) for sha in (trunk(sandbox), NEW)] == [trunk(sandbox), NEW]
    assert cut_point_before_merge(context, base) == base
    merge = ("commit-tree", f"{MAIN}^{{tree}}", "-p", MAIN, "-p", head)
    sandbox.bare.update_ref(MAIN, sandbox.bare.git(*merge, text="Merge").strip())
    merged = again(context)
    assert cut_point(merged, head) == head, "all of it is on the trunk now"
    assert cut_point_before_merge(merged, head) == base
    assert cut_point_before_merge(merged, trunk(sandbox)) == trunk(sandbox)


def test_of_several_releases_the_one_published_is_the_version_s(sandbox: Sandbox, context: Context) -> None:
    assert release_of(context, VERSION) is None
    body = {"tag_name": "0.7.0", "name": "0.7.0", "draft": True, "prerelease": True}
    first, _ = (github(context).send("POST", "releases", body) for _ in range(2))
    found = release_of(context, VERSION)
    assert found
    assert (found.id, found.draft, found.prerelease, found.published_at) == (first["id"], True, True, "")
    assert found.upload_url == first["upload_url"].removesuffix("{?name,label}")
    third = github(context).send("POST", "releases", body | {"draft": False, "prerelease": False})
    found = release_of(context, VERSION)
    assert found
    assert (found.id, found.draft, found.prerelease) == (third["id"], False, False)
    assert (found.url, found.published_at, found.key) == (third["html_url"], third["published_at"], "0.7.0")


def test_f30_the_highest_final_version_alone_is_latest(sandbox: Sandbox, context: Context) -> None:
    sandbox.bare.update_ref("refs/tags/0.8.0-rc.1", trunk(sandbox))
    late = again(context)
    assert is_latest(late, VERSION)
    assert not is_latest(late, semver.Version(0, 6, 2))
    assert not is_latest(late, semver.Version(0, 8, 0, "rc.1"))
