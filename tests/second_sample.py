"""Another team's repository, which shares no name with the sample: one Python package at the root, one service.

Its trunk is `develop`, its versions 1.4.0 to 1.4.2 are tagged on it without a branch, and a file fixes the wheel's.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from release.sandbox.git import git_environment

TRUNK, VERSIONS = "develop", ("1.4.0", "1.4.1", "1.4.2")
VERSION_FILE, IMAGE_FILE = "src/acme_tools/__init__.py", "src/acme_tools/_image.py"
FILES = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-tools"
dynamic = ["version"]
requires-python = ">=3.10"

[project.scripts]
acme = "acme_tools.cli:main"

[tool.hatch.version]
path = "src/acme_tools/__init__.py"

[tool.hatch.build.targets.wheel]
packages = ["src/acme_tools"]
""",
    VERSION_FILE: '"""Tools."""\n\n__version__ = "VERSION"\n',
    IMAGE_FILE: 'RUNNER_VERSION: str = "VERSION"  # the image that jobs run in\n',
    "src/acme_tools/cli.py": "from acme_tools import __version__\n\n\ndef main():\n    print('acme', __version__)\n",
    ".github/workflows/by-hand.yaml": """\
on: workflow_dispatch
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - run: |
          aws s3 cp dist/*.whl s3://acme-wheels/wheels/
          docker push "registry.acme.example/acme-service:$TAG"
          docker push registry.acme.example/acme-runner:runner-${{ github.ref_name }}
""",
    "service/Dockerfile": "FROM scratch\nCOPY app.txt /\n",
    "service/app.txt": "a service\n",
    "runner/Dockerfile": "FROM scratch\nARG VERSION\n",
}
SETTINGS = """\
release:
  components:
    service:
      path: service
      has_interface: false
      images: [acme-service]
    sdk:
      path: .
      kind: python
      interface: src/acme_tools
      workflow: sdk-release.yaml
sdk:
  path: .
  package: acme_tools
  command: acme
  bucket: acme-wheels
  prefix: wheels/
  version_file: src/acme_tools/__init__.py
image:
  config_file: src/acme_tools/_image.py
  config_variable: RUNNER_VERSION
  workflow: runner-images.yaml
  registry: https://registry.acme.example
  repository: acme-runner
  tags: runner-{version}
  pythons:
  - '3.12'
platform:
  images: [acme-service]
"""
WHO = {f"GIT_{who}_{what}": "bo@acme.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *arguments: str) -> str:
    ran = subprocess.run(
        ["git", *arguments], cwd=folder, env=git_environment(**WHO), check=True, capture_output=True, text=True
    )
    return ran.stdout.strip()


def write(folder: Path, files: dict[str, str], version: str = "") -> None:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.replace('"VERSION"', f'"{version}"'))


def second_repository(folder: Path, more: dict[str, str] | None = None) -> Path:
    """Make the repository as its team has it: a clone of a remote, both below the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "--bare", f"--initial-branch={TRUNK}", "acme-tools.git")
    git(folder, "clone", "-q", str(folder / "acme-tools.git"), "acme-tools")
    work = folder / "acme-tools"
    for version in VERSIONS:
        write(work, FILES, version)
        git(work, "add", "-A")
        git(work, "commit", "-qm", f"Work for {version}")
        git(work, "tag", version)
    write(work, more or {})
    git(work, "add", "-A")
    git(work, "commit", "-q", "--allow-empty", "-m", "Go on")
    git(work, "push", "-q", "--tags", "origin", TRUNK)
    return work
