"""Rehearse own checkouts of public repositories: `python tests/tables/rehearse.py FOLDER [OWNER/NAME …]`.

`FOLDER/NAME` is a clone whose `origin` is the repository; it is read alone. rehearsals.yaml has the settings; what a
wheel is built with has to be installed. Prints how each rehearsal ended, and its last words.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

SETTINGS = Path(__file__).with_name("rehearsals.yaml")
NO_IMAGES = {"image": {"config_file": ""}, "platform": {"images": []}}
TASK = "release.minor --skip"  # a version that a team left out is no reason to stop
PATIENCE = 300  # seconds


def main(folder: Path, names: list[str]) -> int:
    """Rehearse each that is there."""
    for name, settings in yaml.safe_load(SETTINGS.read_text(encoding="utf-8")).items():
        checkout = folder / name.partition("/")[2]
        if (not names or name in names) and checkout.is_dir():
            print(f"{name}: {rehearsed(checkout.resolve(), name, NO_IMAGES | settings)}", flush=True)
    return 0


def rehearsed(checkout: Path, name: str, settings: dict[str, Any]) -> str:
    """Return how the rehearsal ended: in a clone of the checkout, so that no file is put into that."""
    with tempfile.TemporaryDirectory(prefix="rehearse-") as place:
        git = ["git", "-C", str(checkout)]
        heads = "+refs/remotes/origin/*:refs/remotes/origin/*"
        clone = Path(place) / checkout.name
        subprocess.run([*git, "clone", "--quiet", "--shared", "--no-checkout", ".", str(clone)], check=True)
        at = ["git", "-C", str(clone)]
        subprocess.run([*at, "fetch", "--quiet", str(checkout), heads], check=True)
        subprocess.run([*at, "remote", "set-url", "origin", f"https://github.com/{name}.git"], check=True)
        (clone / "invoke.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        (clone / "tasks.py").write_text("from release import namespace  # noqa: F401\n", encoding="utf-8")
        subprocess.run([*at, "checkout", "--quiet", "origin/HEAD", "--", "."], check=True)
        return outcome(clone)


def outcome(clone: Path) -> str:
    """Rehearse here, and return the exit code, the seconds, and what it says of the end."""
    began, command = time.monotonic(), [sys.executable, "-m", "invoke", "sandbox.rehearse", "--offline", "--task", TASK]
    env = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE)
    said = [line.strip() for line in [*done.stdout.splitlines(), *done.stderr.splitlines()] if line.startswith("✘")]
    words = " ".join(dict.fromkeys(said)) or "typed again it changed nothing"
    return f"exit {done.returncode} in {time.monotonic() - began:.0f} s: {words}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
