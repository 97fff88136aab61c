"""A stand-in for programs that write elsewhere, one of its own: a write is recorded in the log, a question fails."""

from __future__ import annotations

import sys
import zipfile
from email.parser import BytesParser

# The first words of what is taken as done; all else asks for something that is not here.
RECORDED = {
    "twine": "upload",
    "gh": (
        "--version|auth login|auth status|auth setup-git|release create|release upload|release edit|release delete"
        "|pr create|pr comment|pr edit|pr close|issue create|issue comment|workflow run|attestation verify"
    ),
    "kubectl": (
        "apply|create|delete|set|rollout|patch|replace|scale|label|annotate|cp|wait|version|config set-context"
        "|config use-context|config set-cluster|config set-credentials"
    ),
    "helm": "upgrade|install|uninstall|rollback|repo|registry|dependency|package|push|lint|version",
    "terraform": "init|plan|apply|destroy|fmt|validate|workspace|version",
}


def main(program: str, words: list[str]) -> None:
    """Record the command, or end with exit 1 and its name."""
    plain = " ".join(word for word in words if not word.startswith("-") or word == "--version")
    if program == "twine" and words[:1] == ["check"]:
        _check_distributions([word for word in words[1:] if not word.startswith("-")])
    elif any(f"{plain} ".startswith(f"{each} ") for each in RECORDED[program].split("|")):
        sys.stdout.write(f"the sandbox records: {program} {' '.join(words)}\n")
    else:
        sys.exit(
            f"the sandbox has no answer to: {program} {' '.join(words)}\n"
            f"Give it one: a program {program} in the folder that RELEASE_STAND_INS names."
        )


def _check_distributions(paths: list[str]) -> None:
    for path in paths:
        problem = _problem(path) if path.endswith(".whl") else ""
        sys.stdout.write(f"Checking {path}: {problem or 'PASSED'}\n")
        if problem:
            sys.exit(1)


def _problem(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            told = BytesParser().parsebytes(wheel.read(name))
    except (OSError, zipfile.BadZipFile, StopIteration) as error:
        return f"ERROR: no wheel: {error!r}"
    missing = [each for each in ("Metadata-Version", "Name", "Version") if not told[each]]
    return f"ERROR: {', '.join(missing)} missing" if missing else ""


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
