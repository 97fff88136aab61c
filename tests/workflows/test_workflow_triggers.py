"""What a push starts, by GitHub's rules for filters of branches and tags."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.workflows import can_be_dispatched, paths_pass, ref_passes, skip_words, starts_on_push
from release.workflows.triggers import events, filter_matches, filters_pass

RELEASE = "refs/heads/release-0.7-20261124"
TAG = "refs/tags/0.7.0"


def file(on: str) -> bytes:
    return f"on: {on}\njobs: {{}}\n".encode()


@pytest.mark.parametrize(
    ("pattern", "name", "value"),
    [
        ("main", "main", True),
        ("main", "main2", False),
        ("release-*", "release-0.7-20261122", True),
        ("release-*", "release-a/b", False),
        ("feature/**", "feature/a/b", True),
        ("**/docs", "docs", True),
        ("**/docs", "a/b/docs", True),
        ("*", "a", True),
        ("*", "a/b", False),
        ("**", "a/b", True),
        ("[0-9]+.[0-9]+.[0-9]+", "10.20.30", True),
        ("[0-9]+.[0-9]+.[0-9]+", "v1.2.3", False),
        ("[0-9]+.[0-9]+.[0-9]+", "1.2.3-rc.1", False),
        ("[0-9]+.[0-9]+.[0-9]+", "1x2x3", False),
        ("v?1", "1", True),
        ("v?1", "v1", True),
        ("a(b", "a(b", True),
        ("release-[0-9]+.[0-9]+-[0-9]+", "release-0.7-20261124", True),
        ("release-[0-9]+.[0-9]+-[0-9]+", "release-0.7-", False),
        ("release-*", "release-", True),
        ("*.*", "0.7.0", True),
        ("**/**", "a/b/c", True),
        ("**/+", "a//", True),
        ("a*b", "a/b", False),
        ("[1-2]00", "200", True),
        ("[1-2]00", "300", False),
        ("[CB]at", "Bat", True),
        ("[^a]", "b", False),
        ("[^a]", "^", True),
        ("[a.-]+", "a-.", True),
        ("[a.-]+", "ab", False),
        ("[]", "[]", True),
        ("[z-a]", "m", False),
        ("[a", "[a", True),
        ("+", "+", True),
        ("?", "?", True),
        ("ab?+", "abbb", True),
        ("ab++", "abbb", True),
        ("ab++", "a", False),
        ("*+?", "aa", True),
        (r"v1\+2", "v1+2", True),
        (r"v1\+2", "v112", False),
        ("a\\", "a\\", True),
        ("v1.0", "v1x0", False),
        ("(a|b)", "a", False),
        ("a{2}", "aa", False),
        ("main", "main\n", False),
        ("**", "a\nb", True),
        ("!main", "main", False),
    ],
)
def test_filter_patterns(pattern: str, name: str, value: bool) -> None:
    assert filter_matches(pattern, name) is value


@pytest.mark.parametrize(
    ("patterns", "name", "value"),
    [
        ([], "main", False),
        (["main"], "main", True),
        (["release-**", "!release-*-2026*"], "release-0.7-20261124", False),
        (["release-**", "!release-*-2026*"], "release-0.7-20251124", True),
        (["!release-*-2026*", "release-**"], "release-0.7-20261124", True),
        (["**", "!release-**"], "release-0.7-20261124", False),
        (["**", "!release-**", "release-0.7-*"], "release-0.7-20261124", True),
        (["!main"], "other", False),
        (["a", "b"], "b", True),
    ],
)
def test_the_last_pattern_that_matches_decides(patterns: list[str], name: str, value: bool) -> None:
    assert filters_pass(patterns, name) is value


PUSHES = [
    # what is written under `on`, whether the push of a release branch starts it, whether that of the tag 0.7.0 does
    ("push", True, True),
    ("[push]", True, True),
    ("[pull_request, push]", True, True),
    ("pull_request", False, False),
    ("[pull_request]", False, False),
    ("{pull_request: }", False, False),
    ("{push: }", True, True),
    ("{push: {}}", True, True),
    ("{push: nonsense}", True, True),
    ("", False, False),
    ("7", False, False),
    ("[[push], 7, null]", False, False),
    ("{push: {branches: ['release-[0-9]+.[0-9]+-[0-9]+']}}", True, False),
    ("{push: {branches: ['release-**', '!release-*-2026*']}}", False, False),
    ("{push: {branches: ['**', '!release-**']}}", False, False),
    ("{push: {branches: ['**']}}", True, False),
    ("{push: {branches: ['*']}}", True, False),
    ("{push: {branches: release-*}}", True, False),
    ("{push: {branches: }}", False, False),
    ("{push: {branches: {a: b}}}", False, False),
    ("{push: {branches-ignore: [main]}}", True, False),
    ("{push: {branches-ignore: ['release-[0-9]+.*']}}", False, False),
    ("{push: {branches-ignore: }}", True, False),
    ("{push: {tags: ['[0-9]+.[0-9]+.[0-9]+']}}", False, True),
    ("{push: {tags: ['docs-*']}}", False, False),
    ("{push: {tags: ['*', '!0.7.*']}}", False, False),
    ("{push: {tags: [0.7.0]}}", False, True),
    ("{push: {tags-ignore: ['docs-*']}}", False, True),
    ("{push: {tags-ignore: ['0.*']}}", False, False),
    ("{push: {branches: [main], tags: ['0.*']}}", False, True),
    ("{push: {branches: ['release-*'], tags: ['docs-*']}}", True, False),
    ("{push: {branches: ['release-*'], tags-ignore: ['docs-*']}}", True, True),
    ("{push: {paths: [sdk/**]}}", False, True),
    ("{push: {paths-ignore: ['**.md']}}", False, True),
    ("{push: {branches: ['release-*'], paths: [sdk/**]}}", False, False),
    ("{push: {tags: ['0.*'], paths: [sdk/**]}}", False, True),
]


@pytest.mark.parametrize(("on", "branch", "tag"), PUSHES)
def test_which_workflow_a_push_starts(on: str, branch: bool, tag: bool) -> None:
    assert starts_on_push(file(on), RELEASE) is branch
    assert starts_on_push(file(on), TAG) is tag


def test_a_star_stays_within_one_part_of_a_name() -> None:
    one, any_depth = file("{push: {branches: ['*']}}"), file("{push: {branches: ['**']}}")
    assert [starts_on_push(each, "refs/heads/feature/a") for each in (one, any_depth)] == [False, True]


def test_branches_and_tags_of_one_name_are_told_apart() -> None:
    both = file("{push: {branches: ['1.*'], tags: ['2.*']}}")
    assert [starts_on_push(both, f"refs/{kind}/1.0") for kind in ("heads", "tags")] == [True, False]
    assert [starts_on_push(both, f"refs/{kind}/2.0") for kind in ("heads", "tags")] == [False, True]


@pytest.mark.parametrize("text", [b"", b"[", b"on: [", b"[on]", b"on", b"push", b"\xff", b"on: push\non: push\n"])
def test_a_file_that_is_no_workflow_starts_on_nothing(text: bytes) -> None:
    assert not starts_on_push(text, RELEASE)
    assert not starts_on_push(text, TAG)
    assert not can_be_dispatched(text)


@pytest.mark.parametrize(
    ("on", "value"),
    [
        ("workflow_dispatch", True),
        ("[push, workflow_dispatch]", True),
        ("{workflow_dispatch: }", True),
        ("{workflow_dispatch: {inputs: {}}, push: {tags: ['*']}}", True),
        ("push", False),
        ("{workflow_call: }", False),
        ("workflow_dispatches", False),
    ],
)
def test_what_can_be_asked_for(on: str, value: bool) -> None:
    assert can_be_dispatched(file(on)) is value


def test_path_filters_are_taken_as_met_where_only_the_ref_is_asked_for() -> None:
    assert ref_passes({"branches": ["main"], "paths": ["sdk/**"]}, "refs/heads/main")
    assert not ref_passes({"branches": ["main"], "paths": ["sdk/**"]}, "refs/heads/other")
    assert ref_passes(None, TAG)


def test_the_events_of_a_file() -> None:
    assert events({"on": {"push": {"tags": ["*"]}, "schedule": None}}) == {"push": {"tags": ["*"]}, "schedule": None}
    assert events({"on": ["push", "pull_request"]}) == {"push": None, "pull_request": None}
    assert [events(junk) for junk in (None, 7, [], {}, {"on": None}, {"on": [{}]})] == [{}] * 6


PATTERNS = st.text("ab/.*+?[]!-\\^0(|{", max_size=12)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | PATTERNS | st.just("push"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["push", "branches", "branches-ignore", "tags", "paths"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(on=TREES, ref=st.sampled_from([RELEASE, TAG, "refs/heads/a/b", "refs/pull/1/head", "main"]))
def test_a_foreign_file_never_raises(on: Any, ref: str) -> None:
    text = json.dumps({"on": on}).encode()
    assert starts_on_push(text, ref) in (True, False)
    assert can_be_dispatched(text) is False


@given(PATTERNS, PATTERNS)
def test_a_foreign_pattern_never_raises(pattern: str, name: str) -> None:
    assert filter_matches(pattern, name) in (True, False)


@given(st.text("ab/.-0", min_size=1, max_size=12))
def test_a_name_without_signs_matches_itself_alone(name: str) -> None:
    assert filter_matches(name, name)
    assert filter_matches("**", name)
    assert not filter_matches(name, name + "a")


@pytest.mark.parametrize(
    ("filters", "changed", "value"),
    [
        (None, ["a"], True),
        ({"branches": ["main"]}, ["a"], True),
        ({"paths": ["sdk/**"]}, ["a", "sdk/b/c"], True),
        ({"paths": ["sdk/**", "!sdk/docs/**"]}, ["sdk/docs/a"], False),
        ({"paths": ["*"]}, ["a/b"], False),
        ({"paths": "**.py"}, ["a/b.py"], True),
        ({"paths-ignore": ["docs/**"]}, ["docs/a", "docs/b/c"], False),
        ({"paths-ignore": ["docs/**"]}, ["docs/a", "b"], True),
        ({"paths-ignore": ["docs/**", "!docs/api.yaml"]}, ["docs/api.yaml"], False),
    ],
)
def test_f31_what_the_paths_of_a_change_pass(filters: Any, changed: list[str], value: bool) -> None:
    assert paths_pass(filters, changed) is value


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("fix: this [skip ci]", "[skip ci]"),
        ("[ci skip] fix: this", "[ci skip]"),
        ("fix: this\n\nNobody needs a run. [no ci]\n", "[no ci]"),
        ("fix: this [skip actions]", "[skip actions]"),
        ("fix: this [actions skip]", "[actions skip]"),
        ("fix: this\n\n\nskip-checks: true\n", "skip-checks: true"),
        ("fix: this\n\nskip-checks:true", "skip-checks:true"),
        ("fix: say [skip-ci], (skip ci) and skip ci", ""),
        ("fix: take skip-checks: true", ""),
        ("fix: this\n\nskip-checks: true\n\nNo trailer any more.", ""),
        ("fix: this\n\nskip-checks: trueish", ""),
        ("", ""),
    ],
)
def test_the_words_for_which_a_push_starts_nothing(message: str, words: str) -> None:
    """The five spellings and the trailer of GitHub's page "Skipping workflow runs"."""
    assert skip_words(message) == words
