"""Where a project's version comes from, read from its files as its build back end reads them."""

from __future__ import annotations

import pytest
import semver

from release.artifacts.version_file import is_by_tag, version_file
from release.errors import Usage

HATCH = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
DYNAMIC = '[project]\nname = "acme-tools"\ndynamic = ["version"]\n'
STATIC = '[project]\nname = "acme-tools"\nversion = "1.4.2"  # theirs\n'
MODULE = '"""Acme."""\n__version__: str = "1.4.2"\n'
FIXED = {
    "static": {"pyproject.toml": f"{STATIC}[tool.x]\nversion = '9'\n"},
    "poetry": {"pyproject.toml": "[tool.poetry]\nname = 'acme'\nversion = '1.4.2'\n"},
    "hatch path": {
        "pyproject.toml": f'{HATCH}{DYNAMIC}[tool.hatch.version]\npath = "src/acme/__about__.py"\n',
        "src/acme/__about__.py": "VERSION = '1.4.2'\n",
    },
    "setuptools attr": {
        "pyproject.toml": f'{DYNAMIC}[tool.setuptools.dynamic]\nversion = {{attr = "acme.about.release"}}\n',
        "src/acme/about.py": 'release = "1.4.2"\n',
    },
    "setuptools file": {
        "pyproject.toml": f'{DYNAMIC}[tool.setuptools.dynamic]\nversion = {{file = ["VERSION"]}}\n',
        "VERSION": "1.4.2\n",
    },
    "setup.cfg": {"setup.cfg": "[metadata]\nname = acme\nversion = 1.4.2\n[options]\nversion = 3\n"},
    "flit": {
        "pyproject.toml": f'[build-system]\nbuild-backend = "flit_core.buildapi"\n{DYNAMIC}',
        "acme_tools/__init__.py": MODULE,
    },
    "pdm": {
        "pyproject.toml": f'{DYNAMIC}[tool.pdm.version]\nsource = "file"\npath = "acme/__init__.py"\n',
        "acme/__init__.py": MODULE,
    },
}
BY_TAG = {
    "setuptools-scm": f'[build-system]\nrequires = ["setuptools-scm>=8"]\n{DYNAMIC}',
    "hatch-vcs": f'{HATCH}{DYNAMIC}[tool.hatch.version]\nsource = "vcs"\n',
    "pdm scm": f'{DYNAMIC}[tool.pdm.version]\nsource = "scm"\n',
    "poetry": f'[build-system]\nrequires = ["poetry-dynamic-versioning"]\n{STATIC.replace("project", "tool.poetry")}',
}


@pytest.mark.parametrize("folder", ["", ".", "python"])
@pytest.mark.parametrize("kind", FIXED)
def test_a_version_that_a_file_fixes_is_found_and_set_there_alone(kind: str, folder: str) -> None:
    at = f"{folder}/" if folder == "python" else ""
    files = {f"{at}{path}": text.encode() for path, text in FIXED[kind].items()}
    found = version_file(files.get, folder)
    assert found
    assert found.version == "1.4.2"
    wanted = semver.Version.parse("1.5.0")
    assert (found.is_of(semver.Version.parse("1.4.2")), found.is_of(wanted)) == (True, False)
    changed = found.text_with(files[found.path], wanted)
    assert changed == files[found.path].replace(b"1.4.2", b"1.5.0")
    after = version_file({**files, found.path: changed}.get, folder)
    assert after
    assert after.is_of(wanted)
    assert not is_by_tag(files.get, folder)


@pytest.mark.parametrize("kind", BY_TAG)
def test_a_version_by_the_tag_is_in_no_file(kind: str) -> None:
    files = {"pyproject.toml": BY_TAG[kind].encode(), "setup.cfg": b"[metadata]\nversion = 1.4.2\n"}
    assert version_file(files.get, "") is None
    assert is_by_tag(files.get, ""), "and it can be told"


def test_a_version_that_no_reading_tells_is_neither() -> None:
    files = {"setup.py": b"from setuptools import setup\nsetup(version=open('v').read())\n"}
    assert (version_file(files.get, ""), is_by_tag(files.get, "")) == (None, False)


def test_a_pyproject_that_is_no_toml_is_said() -> None:
    with pytest.raises(Usage, match=r"pyproject\.toml"):
        version_file({"pyproject.toml": b"[project\n"}.get, "")


@pytest.mark.parametrize(("text", "same"), [("1.5.0rc1", True), ("1.5.0-rc.1", True), ("1.5.0", False), ("x", False)])
def test_versions_are_compared_as_python_spells_them(text: str, same: bool) -> None:
    found = version_file({"pyproject.toml": f'[project]\nversion = "{text}"\n'.encode()}.get, "")
    assert (found is not None and found.is_of(semver.Version.parse("1.5.0-rc.1"))) is same
