"""What a clone knows without a look at its remote."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from release.git import offline


def git(folder: Path, *args: str) -> str:
    return subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    for subject in ("Begin", "Go on", "End"):
        git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", subject)
    for tag in ("0.9.0", "0.10.0", "other"):
        git(tmp_path, "tag", tag)
    git(tmp_path, "branch", "release-0.9-20260101", "main~2")
    return tmp_path


def test_names_are_short_and_those_of_the_highest_versions_first(clone: Path) -> None:
    assert offline.names(clone, f"{offline.TAGS}/[0-9]*") == ["0.10.0", "0.9.0"]
    assert offline.names(clone, f"{offline.TAGS}/[0-9]*", most=1) == ["0.10.0"]
    assert set(offline.names(clone, offline.HEADS)) == {"main", "release-0.9-20260101"}


def test_subjects_are_of_the_commits_between(clone: Path) -> None:
    found = offline.subjects(clone, "release-0.9-20260101", "main")
    assert list(found.values()) == ["End", "Go on"]
    assert list(found) == [git(clone, "rev-parse", "--short", each) for each in ("main", "main~1")]
    assert len(offline.subjects(clone, "release-0.9-20260101", "main", most=1)) == 1


def test_where_git_knows_nothing_there_is_nothing(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert offline.subjects(clone, "nothing", "main") == {}
    assert offline.names(tmp_path_factory.mktemp("empty"), offline.TAGS) == []
    assert offline.names(clone / "gone", offline.TAGS) == []
