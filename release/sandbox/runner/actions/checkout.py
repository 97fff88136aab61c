"""actions/checkout: the bare repository's commit in the job's folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from release.sandbox.runner.machine import ActionFailed, Inputs, Machine, Outputs
from release.workflows import expressions


def checkout(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Fetch and check out the run's commit, or another `ref`; no credential stays behind.

    As on GitHub one commit and no tags are fetched, unless `fetch-depth` and `fetch-tags` say otherwise.
    """
    repository = machine.contexts["github"].get("repository", "")
    if inputs.get("repository", repository) != repository:
        raise expressions.Unsupported(f"the sandbox cannot check out another repository: {inputs['repository']}")
    machine.check_checkout(inputs.get("token", ""))
    folder = machine.inside(machine.workspace / inputs.get("path", ".")).resolve()
    if not folder.is_relative_to(machine.workspace.resolve()):
        raise ActionFailed(f"Repository path '{folder}' is not under '{machine.workspace}'")
    ref, sha = _asked_commit(machine, inputs.get("ref", ""))
    folder.mkdir(parents=True, exist_ok=True)
    _forget(folder / ".git")
    source = machine.run.repository.resolve().as_uri()

    def git(*arguments: str) -> str:
        """Run Git in the folder."""
        return _git(machine, str(folder), *arguments)

    git("init", "--quiet", "--template=")
    git("fetch", "--quiet", "--no-tags", *_depth(inputs), source, *_refspecs(inputs, ref, sha))
    git("remote", "add", "origin", _origin(machine) or source)
    where = ["-B", ref.removeprefix("refs/heads/")] if ref.startswith("refs/heads/") else ["--detach"]
    git("-c", "advice.detachedHead=false", "checkout", "--quiet", "--force", *where, sha)
    machine.log.write(f"HEAD is now at {git('log', '-1', '--format=%h %s')}")
    return {"ref": ref, "commit": sha}


def _forget(repository: Path) -> None:
    """Take away what an earlier step left there: Git is not set apart, and would run its hooks and filters."""
    if repository.is_symlink() or repository.is_file():
        repository.unlink()
    elif repository.exists():
        shutil.rmtree(repository)


def _git(machine: Machine, folder: str, *arguments: str) -> str:
    """Run this machine's Git, by no setting, hook or program of the job's."""
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    env = {"PATH": os.pathsep.join(os.get_exec_path()), "HOME": str(machine.home), "LC_ALL": "C", **own}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise ActionFailed(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _origin(machine: Machine) -> str:
    github = machine.contexts["github"]
    server, repository = github.get("server_url"), github.get("repository")
    return f"{server}/{repository}" if server and repository else ""


def _asked_commit(machine: Machine, ref: str) -> tuple[str, str]:
    run = machine.run
    if ref in ("", run.ref):
        return run.ref, run.sha
    for name in (ref, f"refs/heads/{ref}", f"refs/tags/{ref}"):
        try:
            sha = _git(machine, str(run.repository), "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
        except ActionFailed:
            continue
        return (name if name.startswith("refs/") else ""), sha
    raise ActionFailed(f"A branch or tag with the name '{ref}' could not be found")


def _depth(inputs: Inputs) -> list[str]:
    depth = inputs.get("fetch-depth", "1")
    if not depth.isdecimal():
        raise ActionFailed(f"fetch-depth is no number: {depth}")
    return [] if depth == "0" else [f"--depth={int(depth)}"]


def _refspecs(inputs: Inputs, ref: str, sha: str) -> list[str]:
    everything = inputs.get("fetch-depth") == "0"
    tags = ["+refs/tags/*:refs/tags/*"] if everything or inputs.get("fetch-tags") == "true" else []
    # The branch may have moved on; the run is for this commit.
    if everything:
        return ["+refs/heads/*:refs/remotes/origin/*", *tags, sha]
    if ref.startswith("refs/heads/"):
        return [f"+{sha}:refs/remotes/origin/{ref.removeprefix('refs/heads/')}", *tags]
    return [*tags, sha] if tags or not ref else [f"+{sha}:{ref}"]
