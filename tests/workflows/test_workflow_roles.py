"""Roles: which jobs count, and what counts as success."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.errors import Failed, Usage
from release.workflows.roles import check_roles, cut_name, parse_role

ROLES = ["build-package", "test-package*", "publish-s3|publish-package", "publish-pypi?publish_pypi"]
GREEN = [
    ("build-package", "completed", "success"),
    ("test-package (3.10)", "completed", "success"),
    ("test-package (3.11)", "completed", "success"),
    ("publish-s3", "completed", "success"),
]
CONCLUSIONS = [
    "failure",
    "cancelled",
    "skipped",
    "timed_out",
    "action_required",
    "neutral",
    "stale",
    "startup_failure",
    "",
]
STATUSES = ["queued", "in_progress", "waiting", "pending", "requested", ""]
OUTCOMES = (
    [("completed", each) for each in CONCLUSIONS] + [(each, "") for each in STATUSES] + [("in_progress", "success")]
)


def test_f26_every_job_of_every_role_succeeded() -> None:
    check_roles(GREEN, ROLES, {})
    check_roles([*GREEN, ("lint", "completed", "failure")], ROLES, {})


@pytest.mark.parametrize("position", range(len(GREEN)))
@pytest.mark.parametrize(("status", "conclusion"), OUTCOMES)
def test_f26_only_success_is_success(position: int, status: str, conclusion: str) -> None:
    jobs = list(GREEN)
    jobs[position] = (jobs[position][0], status, conclusion)
    with pytest.raises(Failed) as failure:
        check_roles(jobs, ROLES, {"publish_pypi": False}, hint="look there")
    assert f"job {jobs[position][0]} " in failure.value.problem
    assert failure.value.hint == "look there"


@pytest.mark.parametrize("gone", ["build-package", "test-package", "publish-s3"])
def test_f26_an_absent_job_is_failure(gone: str) -> None:
    with pytest.raises(Failed, match=f"no job is {gone}"):
        check_roles([job for job in GREEN if not job[0].startswith(gone)], ROLES, {})


def test_f26_no_jobs_at_all_is_failure() -> None:
    with pytest.raises(Failed, match="no job is publish-s3 or publish-package"):
        check_roles(iter(()), ROLES, {})


@pytest.mark.parametrize("value", [True, "true"])
def test_f26_a_conditional_role_counts_once_its_input_is_on(value: object) -> None:
    with pytest.raises(Failed, match="no job is publish-pypi"):
        check_roles(GREEN, ROLES, {"publish_pypi": value})
    with pytest.raises(Failed, match="job publish-pypi was skipped"):
        check_roles([*GREEN, ("publish-pypi", "completed", "skipped")], ROLES, {"publish_pypi": value})
    check_roles([*GREEN, ("publish-pypi", "completed", "success")], ROLES, {"publish_pypi": value})


@pytest.mark.parametrize("value", [False, "false", "", None, 0])
def test_f26_a_job_that_its_own_input_turned_off_may_be_skipped_not_fail(value: object) -> None:
    check_roles([*GREEN, ("publish-pypi", "completed", "skipped")], [*ROLES, "publish-*"], {"publish_pypi": value})
    with pytest.raises(Failed, match="job publish-pypi ended: failure"):
        check_roles([*GREEN, ("publish-pypi", "completed", "failure")], ROLES, {"publish_pypi": value})
    jobs = [*GREEN[:3], ("publish-s3", "completed", "skipped"), ("publish-pypi", "completed", "skipped")]
    with pytest.raises(Failed, match="job publish-s3 was skipped"):
        check_roles(jobs, [*ROLES, "publish-*"], {"publish_pypi": value})


NAMES = [
    ("build-package", "build-package"),
    ("build-package (linux, 3.10)", "build-package"),
    ("build-package / wheel", "build-package"),
    ("build-package (linux) / wheel (3.10)", "build-package"),
    ("build-package (linux) / wheel", "build-package"),
    ("build-package (a / b)", "build-package"),
    ("test-package", "test-package*"),
    ("test-package (3.10)", "test-package*"),
    ("test-package-docs", "test-package*"),
    ("publish-package", "publish-s3|publish-package"),
    ("publish-pypi", "publish-pypi?publish_pypi"),
    ("rebuild-package", None),
    ("build-package-docs", None),
    ("build-package\n", None),
    ("Build-Package", None),
    ("wheel / build-package", None),
    ("", None),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_which_role_a_job_plays(name: str, expected: str | None) -> None:
    assert [text for text in ROLES if parse_role(text).matches(name)] == ([expected] if expected else [])


LONG = "build-" + "x" * 90  # 96 characters: the cut falls before the matrix


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("test-package", "test-package (" + "3.10, " * 40 + ")"),
        ("test-package", "test-package (" + "3.10 (x), " * 40 + ")"),
        ("test-package", "test-package (a / b, " + "3.10, " * 40 + ")"),
        ("test (unit)", "test (unit) (3.10)"),
        ("test (unit)", "test (unit) (" + "3.10, " * 40 + ")"),
        (LONG, f"{LONG} (3.10)"),
        (LONG + "y" * 9, LONG + "y" * 9),
        (LONG + "*", f"{LONG} (3.10)"),
    ],
)
def test_f26_a_name_that_github_cuts_plays_its_role(role: str, name: str) -> None:
    shown = cut_name(name)
    assert len(shown) <= 100
    assert parse_role(role).matches(shown)
    check_roles([(shown, "completed", "success")], [role], {})
    assert not parse_role("other").matches(shown)
    assert not parse_role(f"{LONG}z").matches(f"{LONG} (3.10)")


def test_a_called_job_of_a_matrix_that_is_cut_plays_the_role_of_its_caller() -> None:
    assert parse_role("build").matches(cut_name("build (" + "3.10, " * 40 + ")") + " / wheel")


@pytest.mark.parametrize("text", ["", "|", "a|", "a|?b", "?b", "a?", "a?b c", "a?b?c", " "])
def test_a_text_that_is_no_role(text: str) -> None:
    with pytest.raises(Usage) as failure:
        parse_role(text)
    assert repr(text) in failure.value.problem


@given(st.text(st.characters(blacklist_characters="|?*", blacklist_categories=["Cs"]), min_size=1).filter(str.strip))
def test_a_name_without_signs_is_a_role_of_its_own(name: str) -> None:
    assert parse_role(name.strip()).matches(name.strip())
