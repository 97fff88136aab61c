"""The project's own files: declared floors, pinned actions, and nothing that does not belong."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yaml"))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize(
    ("name", "floor"),
    [("GitPython", "3.2.1"), ("requests", "2.33"), ("urllib3", "2.6.3"), ("semver", "3.1.1")],
)
def test_s10_floors_are_declared(name: str, floor: str) -> None:
    block = re.search(r"^dependencies = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.S | re.M)
    assert block
    declared = {r.name: r for r in map(Requirement, re.findall(r'"([^"]+)"', block[1]))}
    bounds = [Version(each.version) for each in declared[name].specifier if each.operator == ">="]
    assert bounds
    assert bounds[0] >= Version(floor)


def test_no_dependency_is_capped() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    for line in re.findall(r'^ +"([A-Za-z][^"]*[<>=][^"]*)"', text, re.M):
        operators = {each.operator for each in Requirement(line).specifier}
        assert operators <= {">="}, line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_s09_our_workflows_pin_actions_and_ask_for_little(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for used in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used), used
    for job in workflow["jobs"].values():
        assert "permissions" in job
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), step


def test_ci_and_a_developers_machine_run_the_same_sessions() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8"))["jobs"]
    in_ci = {each["session"] for each in jobs["check"]["strategy"]["matrix"]["include"]}
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    here = re.search(r"^nox --session (.*)$", script, re.M)
    assert here
    assert in_ci == {*here[1].split(), "tests"}
    command = re.search(r"uv run --group test pytest.*?(?= +#)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert command
    assert script.endswith(f"\n{command[0]}\n"), "pytest has the last word"
    assert in_ci | {"mutants"} <= set(
        re.findall(r"^def (\w+)", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.M)
    )


def test_each_mutant_applies() -> None:
    """One whose text moved or is there twice proves nothing, and is noticed at its own run alone."""
    found = [each for path in (ROOT / "tests" / "mutants").glob("*.yaml") for each in yaml.safe_load(path.read_text())]
    assert [each["name"] for each in found if (ROOT / each["file"]).read_text().count(each["before"]) != 1] == []
    assert len({each["name"] for each in found}) == len(found)


def test_text_files_end_in_one_newline() -> None:
    for path in tracked():
        content = path.read_bytes()
        if b"\0" in content or not content:
            continue
        assert content.endswith(b"\n"), path
        assert not content.endswith(b"\n\n"), path


def test_s01_no_secret_or_machine_is_in_the_repository() -> None:
    hosts = "|".join(["pypi" + r"\.org", "pythonhosted", "registry" + r"\.npmjs"])
    forbidden = re.compile(
        rf"(ghp|gho|ghs|github_pat)_[A-Za-z0-9]{{30,}}|AKIA[A-Z0-9]{{16}}|/ro(?:ot)/|https?://[^\s\"']*({hosts})"
    )
    for path in tracked():
        found = forbidden.search(path.read_bytes().decode("utf-8", "replace"))
        assert not found, f"{path.name}: {found[0] if found else ''}"
