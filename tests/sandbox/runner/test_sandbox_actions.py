"""The actions that are done natively: checkout, artifacts, Python."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import pytest
from sandbox_runner import Started, git, named

from release.sandbox.runner.actions.python import installed_versions


def test_checkout_is_at_the_run_s_commit(start: Started, bare: Path) -> None:
    jobs = """
        a:
          runs-on: x
          steps:
            - uses: actions/checkout@0123456789012345678901234567890123456789 # v4
              with: {fetch-depth: %d}
            - run: |
                echo "head $(git rev-parse HEAD) file $(cat file.txt)"
                echo "tags $(git tag | tr '\\n' ' ') commits $(git rev-list --count HEAD)"
                echo "on $(git branch --show-current) from $(git remote get-url origin)"
        """
    log = start(jobs % 1).jobs[0].log
    assert f"head {git(bare, 'rev-parse', 'main')} file 2" in log
    assert "tags  commits 1" in log
    assert "on main from http://127.0.0.1:1/lepton/platform" in log
    log = start(jobs % 0, ref="refs/tags/0.1.0").jobs[0].log
    assert f"head {git(bare, 'rev-parse', '0.1.0^{commit}')} file 1" in log
    assert "tags 0.1.0 0.2.0  commits 1" in log
    assert "on  from" in log
    assert "tags 0.1.0  commits 1" in start(jobs % 1, ref="refs/tags/0.1.0").jobs[0].log


def test_checkout_of_a_commit_that_its_branch_left_behind(start: Started, bare: Path) -> None:
    run = start(
        """
        a:
          runs-on: x
          steps:
            - {uses: actions/checkout@v4, with: {ref: 0.1.0, path: old}}
            - {uses: actions/checkout@v4, with: {ref: refs/heads/main, path: new, fetch-depth: 0}}
            - run: cat old/file.txt new/file.txt; git -C old rev-parse HEAD
            - {uses: actions/checkout@v4, with: {ref: nothing}}
        """
    )
    assert git(bare, "rev-parse", "0.1.0^{commit}") in run.jobs[0].steps[3].log
    assert "A branch or tag with the name 'nothing' could not be found" in run.jobs[0].steps[4].log


def test_artifacts_pass_files_between_jobs(start: Started) -> None:
    run = start(
        """
        make:
          runs-on: x
          steps:
            - run: mkdir -p dist/deep; echo wheel > dist/a.whl; echo other > dist/deep/b.txt; echo h > dist/.hidden
            - {uses: actions/upload-artifact@v4, with: {name: wheel, path: "dist/*.whl", if-no-files-found: error}}
            - {uses: actions/upload-artifact@v4, with: {name: tree, path: dist/}}
        use:
          needs: make
          runs-on: x
          steps:
            - {uses: actions/download-artifact@v4, with: {name: wheel, path: got}}
            - {uses: actions/download-artifact@v4, with: {pattern: "t*", path: all}}
            - {uses: actions/download-artifact@v4, with: {path: flat, merge-multiple: true}}
            - run: find . -type f | sort | tr '\\n' ' '
            - {uses: actions/upload-artifact@v4, with: {name: wheel, path: got}}
        """
    )
    log = named(run, "use").log
    assert "./all/tree/a.whl ./all/tree/deep/b.txt ./flat/a.whl ./flat/deep/b.txt ./got/a.whl" in log
    assert "already exists" in log
    with zipfile.ZipFile(run.artifacts["wheel"]) as archive:
        assert archive.namelist() == ["a.whl"]


def test_an_artifact_without_files(start: Started) -> None:
    jobs = (
        "a: {runs-on: x, steps: [{uses: actions/upload-artifact@v4, with: {path: none/*.whl, if-no-files-found: %s}}]}"
    )
    assert start(jobs % "warn").conclusion == "success"
    assert start(jobs % "error").conclusion == "failure"


def test_setup_python(start: Started) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    run = start(
        """
        a:
          runs-on: x
          steps:
            - {uses: actions/setup-python@v5, id: py, with: {python-version: "VERSION"}}
            - run: |
                python -c 'import sys; print("runs", sys.version.split()[0])'
                command -v inv; echo "found ${{ steps.py.outputs.python-path }} $pythonLocation"
            - {uses: actions/setup-python@v5, with: {python-version: "3.99"}}
            - run: python3.99 -c 'import sys; print("stands in", sys.version.split()[0])'
            - {uses: actions/setup-python@v5, with: {python-version: "2.7"}}
        """.replace("VERSION", version)
    )
    log = run.jobs[0].log
    assert f"runs {sys.version.split()[0]}" in log
    assert f"found {sys.executable} /" in log
    assert str(Path(sys.executable).parent / "inv") in log
    assert "##[warning]Python 3.99 is not on this machine" in log
    assert f"stands in {sys.version.split()[0]}" in log
    assert "##[error]Python 2.7 is not on this machine" in log
    assert run.conclusion == "failure"


def test_setup_python_of_another_version_keeps_the_tasks_at_hand(start: Started) -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    others = [version for version in installed_versions(["3.10", "3.11", "3.12", "3.13"]) if version != here]
    if not others:
        pytest.skip("this machine has one Python only")
    run = start(
        """
        a:
          runs-on: x
          steps:
            - {uses: actions/setup-python@v5, with: {python-version: "VERSION"}}
            - run: |
                python -c 'import sys; print("runs %d.%d" % sys.version_info[:2])'
                pythonVERSION -m venv --without-pip made && made/bin/python -c 'import sys; print("made", sys.prefix)'
                command -v inv
        """.replace("VERSION", others[0])
    )
    assert run.conclusion == "success", run.jobs[0].log
    assert f"runs {others[0]}" in run.jobs[0].log
    assert re.search(r"Z made /.*/work/made\n", run.jobs[0].log)
    assert str(Path(sys.executable).parent / "inv") in run.jobs[0].log
