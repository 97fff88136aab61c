"""What programs would do: a table from a command to its effect.

images bucket packages repository   docker's, aws's, Python's and git's own commands
deliveries    an image pushed, a file put: what all of them end in
options       command lines
"""

from __future__ import annotations

from collections.abc import Callable

from release.sandbox.runner.machine import CLOUD_KEYS
from release.sandbox.simulation.effects.bucket import aws
from release.sandbox.simulation.effects.images import copy_tools, docker
from release.sandbox.simulation.effects.packages import package, plain_words
from release.sandbox.simulation.effects.repository import RELEASING, gh_release, git
from release.sandbox.simulation.shell import Command, Result
from release.sandbox.simulation.unknown import shown, unknown
from release.sandbox.simulation.work import Work

# Each of them leads to credentials of AWS.
KEYS = (*CLOUD_KEYS, "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE")
Effect = Callable[[Work, Command], Result]
_EFFECTS: dict[str, Effect] = {
    **dict.fromkeys(("docker", "podman", "buildah", "nerdctl"), docker),
    **dict.fromkeys(("crane", "skopeo", "oras", "regctl"), copy_tools),
    "aws": aws,
    "git": git,
}
# What is known to change nothing that a release looks at, or what the sandbox has none of: it is said and that is all.
_LISTED = {
    *("apt", "apt-get", "apk", "brew", "curl", "dnf", "gh", "gpg", "helm", "jq", "kubectl", "kustomize", "npm", "npx"),
    *("pip", "pipx", "pnpm", "terraform", "tofu", "tar", "unzip", "uv", "wget", "yarn", "yum", "zip", "chmod", "chown"),
    *("cp", "mv", "rm", "ln", "ls", "find", "grep", "awk", "wc", "diff", "date", "df", "du", "free", "uname", "whoami"),
    *("hostname", "sha256sum", "md5sum", "pytest", "ruff", "mypy", "which", "type", "hash", "command", "yq", "ssh-add"),
    *(
        "mktemp",
        "touch",
        "rsync",
        "scp",
        "ssh",
        "gcloud",
        "az",
        "cosign",
        "syft",
        "trivy",
        "uniq",
        "xxd",
        "base64",
        "id",
    ),
    *(
        "printenv",
        "nvidia-smi",
        "kill",
        "lsof",
        "go",
        "cargo",
        "rustup",
        "pre-commit",
        "codecov",
        "ssh-keyscan",
        "stat",
    ),
}
_MODULES = ("pip", "venv", "ensurepip", "compileall", "pytest", "mypy", "ruff", "unittest")


class Programs:
    """Answers a shell for one job: its `World`."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def call(self, command: Command) -> Result:
        """Do what a program would do, as far as that can be told; everything is told."""
        work, words = self.work, plain_words(command.words)
        name, variables = words[0], command.state.variables
        work.machine.has_keys |= words[:2] == ["aws", "configure"] or any(variables.get(each) for each in KEYS)
        if words[:2] == ["gh", "release"] and words[2:3] and words[2] in RELEASING:
            return gh_release(work, command)
        if name in _EFFECTS:
            return _EFFECTS[name](work, command)
        found = package(work, command)
        if found is not None:
            return found
        if words in (["python", "--version"], ["python", "-V"]):
            return Result(0, f"Python {work.machine.variables.get('PYTHON_VERSION', unknown('python --version'))}")
        module = words[2] if words[:2] == ["python", "-m"] and len(words) > 2 else ""
        if name in _LISTED or module in _MODULES:
            work.tell(command.line, " ".join(command.words[:6]), "listed")
        else:
            work.opaque = command.state.opaque = True
            work.tell(command.line, f"what {shown(' '.join(command.words[:6]))} does", "untold")
        return Result(None, unknown(command.label))

    def undecided(self, line: int, what: str) -> None:
        """Tell of a condition that is not known."""
        self.work.tell(line, f"{shown(what)}: both ways are taken", "untold")
