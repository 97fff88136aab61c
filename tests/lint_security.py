"""Look for what is unsafe in the source, and for known holes in what it is installed with.

Runs bandit and pip-audit, each on a canary first that it must find: a linter that is not at work finds nothing, and an
audit whose service cannot be reached skips without a word. Exits with 1 when anything is found in earnest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = ("release", "tasks.py", "noxfile.py")
UNSAFE = {
    "B310": "urllib.request.urlopen(x, timeout=1)",
    "B501": "requests.get(x, verify=False, timeout=1)",
    "B113": "requests.get(x)",
    "B506": "yaml.load(x)",
    "B602": "subprocess.run(x, shell=True)",
    "B301": "pickle.loads(x)",
}
VULNERABLE, HOLE = "urllib3==1.26.4", "CVE-2021-33503"  # https://github.com/advisories/GHSA-q2q7-5pp4-w6pg


def main() -> int:
    """Run both, and say which found something."""
    with tempfile.TemporaryDirectory() as folder:
        return max(bandit(Path(folder)), audit(Path(folder)))


def bandit(folder: Path) -> int:
    """Judge the source; its canary has one line for each of the kinds that matter most here."""
    canary = folder / "canary.py"
    canary.write_text(f"import pickle, requests, subprocess, urllib.request, yaml\n{chr(10).join(UNSAFE.values())}\n")
    command = ["bandit", "--quiet", "--configfile", str(ROOT / "pyproject.toml")]
    said = subprocess.run([*command, str(canary)], capture_output=True, text=True, check=False).stdout
    if unseen := [kind for kind in UNSAFE if kind not in said]:
        print(f"bandit does not find its canary: {unseen}")
        return 1
    return subprocess.run([*command, "--recursive", *OURS], cwd=ROOT, check=False).returncode


def audit(folder: Path) -> int:
    """Audit all that is installed here, in the very version; where no service answers, that is left to GitHub's CI."""
    canary = requirements(folder / "canary.txt", [VULNERABLE])
    command = ["pip-audit", "--strict", "--no-deps", "--disable-pip", "--progress-spinner=off", "--aliases=on"]
    for service in ("pypi", "osv"):
        asked = [*command, "--vulnerability-service", service, "--requirement"]
        done = subprocess.run([*asked, canary], capture_output=True, text=True, check=False)
        if done.returncode == 1 and HOLE in done.stdout:
            return subprocess.run([*asked, requirements(folder / "installed.txt", installed())], check=False).returncode
        print(f"pip-audit: {service} does not tell of {HOLE} in {VULNERABLE}: {done.stderr.strip()[-200:]}")
    print("Nothing was audited here.")
    return int(os.environ.get("GITHUB_ACTIONS") == "true")


def installed() -> list[str]:
    """Name what is installed, but this project, in the versions that are there."""
    found = {each.metadata["Name"]: each.version for each in distributions()}
    return [f"{name}=={version}" for name, version in sorted(found.items()) if name != "release-tasks"]


def requirements(path: Path, lines: list[str]) -> str:
    """Write a file for pip-audit."""
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
