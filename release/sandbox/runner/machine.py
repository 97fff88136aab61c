"""What a job runs on: folders of its own, a clean environment, contexts that grow with its steps."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from release.sandbox.runner.job import Job, Log
from release.sandbox.runner.process import Command, run_command
from release.sandbox.runner.stand_ins import install, own_folder
from release.sandbox.runner.state import RunState, step_contexts
from release.sandbox.runner.workflow import deep_text, deep_value
from release.workflows import allows, expressions

Inputs = dict[str, str]
Outputs = dict[str, str]
# What GitHub sets from the `github` context.
_FROM_CONTEXT = (
    *("action_path", "actor", "api_url", "base_ref", "event_name", "head_ref", "job", "ref", "ref_name"),
    *("ref_protected", "ref_type"),
    *("repository", "repository_owner", "run_attempt", "run_id", "run_number", "server_url", "sha", "triggering_actor"),
    *("workflow", "workflow_ref", "workflow_sha"),
)


MAX_DEPTH = 10  # of composite actions in each other
CLOUD_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class ActionFailed(Exception):
    """An action ran and says no."""


def check_inside(place: Path, folder: Path) -> None:
    """Raise ActionFailed for a place outside of a folder: what the runner itself reads and writes is the job's (F36).

    A step may have put a link in the place of anything that is in the folder.
    """
    if not place.resolve().is_relative_to(folder.resolve()):
        raise ActionFailed(f"{place} is outside of the job's own folders")


def hash_files(folder: Path, patterns: Sequence[str]) -> str:
    """Hash the hashes of the files below a folder that the patterns name, as `hashFiles` does; nothing without any."""
    named: set[Path] = set()
    for pattern in filter(None, map(str.strip, "\n".join(patterns).splitlines())):
        parts = pattern.removeprefix("!").removeprefix(f"{folder}/").split("/")
        if parts[0] == "" or ".." in parts:  # what is not below the folder does not count
            continue
        glob = "/".join(part if part == "**" else re.sub(r"\*+", "*", part) for part in parts)  # as pathlib wants it
        found = {inner for each in folder.glob(glob) for inner in (each, *each.rglob("*")) if inner.is_file()}
        named = named - found if pattern.startswith("!") else named | found
    digests = [hashlib.sha256(path.read_bytes()).digest() for path in sorted(named)]
    return hashlib.sha256(b"".join(digests)).hexdigest() if digests else ""


class Machine:
    """The machine of one job."""

    def __init__(self, run: RunState, job: Job) -> None:
        self.run = run
        self.job = job
        self.folder = run.folder / f"attempt-{run.root.attempt}" / str(job.id)
        self.workspace = self.folder / "work"
        self.temp = self.folder / "temp"
        self.tools = self.folder / "tools"
        self.home = self.folder / "home"
        self.status = "success"
        self.steps: dict[str, dict[str, Any]] = {}
        self.paths: list[str] = []
        self.variables: dict[str, str] = {}
        # The sandbox's own sample is trusted and its tests are many: its steps run as they are.
        self.confine: Callable[[Command], AbstractContextManager[Command]] = nullcontext
        self.numbers = itertools.count(1)  # of what needs files of its own
        self.depth = 0  # of composite actions in each other
        self.has_keys = False  # of the cloud, by a step that takes them
        self.posts: list[Callable[[], None]] = []  # what actions do at the job's end, the last first
        self.contexts = step_contexts(run, job)
        self.log = Log(job, map(str, self.contexts["secrets"].values()))

    def set_up(self) -> None:
        """Make the folders and write the event; evaluate the variables of workflow and job."""
        for folder in (self.workspace, self.temp, self.tools, self.home):
            folder.mkdir(parents=True, exist_ok=True)
        install(self.tools / "bin")
        self.contexts["github"] = {**self.contexts["github"], "job": self.job.key, "workspace": str(self.workspace)}
        event = json.dumps(self.contexts["github"]["event"], indent=2)
        (self.temp / "event.json").write_text(event + "\n", encoding="utf-8")
        for found in (self.run.workflow.env, self.job.spec.get("env") or {}):
            self.variables |= deep_text(found, self.context())

    def run_command(self, argv: Sequence[str], folder: Path, env: Mapping[str, str], stop: Callable[[], bool]) -> int:
        """Run a command of the job in its namespaces, if it has any, and return its exit code."""
        with self.confine(Command(argv, folder, env)) as command:
            return run_command(command, self.log.write_output, stop)

    def run_program(self, argv: Sequence[str], env: Mapping[str, str], folder: Path | None = None) -> None:
        """Run a program for an action; raises `ActionFailed` when it fails."""
        stop = (self.job.killed if self.job.cancelled.is_set() else self.job.cancelled).is_set
        code = self.run_command(argv, folder or self.workspace, env, stop)
        if code:
            raise ActionFailed(f"{Path(argv[0]).name}: exit code {code}")

    def setting(self, spec: Mapping[str, Any], name: str) -> Any:
        """Find `shell` or `working-directory`: the step's, else the job's default, else the workflow's, as written.

        A composite action's steps have their own alone.
        """
        levels = () if self.depth else (self.job.spec.get("defaults"), self.run.workflow.defaults)
        found = [spec.get(name), *(((level or {}).get("run") or {}).get(name) for level in levels)]
        return next(filter(None, found), "")

    def is_hosted(self) -> bool:
        """Whether GitHub's own runners do the job: of others nobody knows what they have beside what a job brings."""
        try:
            labels = str(deep_value(self.job.spec.get("runs-on"), self.contexts)).lower()
        except expressions.Undecided:
            return False
        return bool(re.search(r"\b(?:ubuntu|windows|macos)-", labels)) and "self-hosted" not in labels

    def check_grant(self, scope: str, words: str, level: str = "write") -> None:
        """Raise `ActionFailed` unless the job's token may write there; the words are what would be said of it."""
        if not allows(self.run.grants(self.job.key), scope, level):
            raise ActionFailed(f"{words} (jobs.{self.job.key} has no `permissions: {scope}: {level}`)")

    def check_checkout(self, token: str) -> None:
        """Raise `ActionFailed` where the job's own token does not see its repository."""
        if self.run.context.get("is_private") and token in ("", self.contexts["github"]["token"]):
            self.check_grant("contents", "remote: Repository not found.", "read")

    def inside(self, place: Path) -> Path:
        """Return the place; raise `ActionFailed` where it is outside of the job's folders."""
        check_inside(place, self.folder)
        return place

    def tear_down(self) -> None:
        """Remove what the job left behind."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def context(self, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Give the contexts as they are now."""
        return self.contexts | {
            "env": self.variables | dict(variables or {}),
            "steps": self.steps,
            "job": {"status": self.status},
            "runner": self.runner(),
            expressions.STATUS: self.status,
            expressions.HASH_FILES: partial(hash_files, self.workspace),
        }

    def runner(self) -> dict[str, str]:
        """Give the `runner` context."""
        system = {"Darwin": "macOS"}.get(platform.system(), platform.system())
        arch = {"x86_64": "X64", "aarch64": "ARM64", "arm64": "ARM64"}.get(platform.machine(), platform.machine())
        folders = {"temp": str(self.temp), "tool_cache": str(self.tools), "workspace": str(self.folder)}
        return {"name": "sandbox", "os": system, "arch": arch, "environment": "github-hosted", **folders}

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Give a step its environment: GitHub's variables, the run's own, and the file's on top."""
        github = self.contexts["github"]
        hidden = CLOUD_KEYS if self.is_hosted() and not self.has_keys else ()
        given = {name: value for name, value in self.run.env.items() if name not in hidden}
        own = {f"GITHUB_{name.upper()}": expressions.text(github[name]) for name in _FROM_CONTEXT if name in github}
        runner = {f"RUNNER_{name.upper()}": text for name, text in self.runner().items()}
        fixed = {"GITHUB_ACTIONS": "true", "CI": "true", "HOME": str(self.home), "LANG": "C.UTF-8"}
        places = {
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_EVENT_PATH": str(self.temp / "event.json"),
            "PATH": self.path(),
        }
        return own | runner | fixed | given | places | self.variables | dict(variables)

    def path(self) -> str:
        """Join the folders of commands: what the steps added, the running interpreter's own, the machine's."""
        own = [str(self.tools / "bin"), str(Path(sys.executable).parent)]
        return os.pathsep.join(dict.fromkeys([*own_folder(), *self.paths, *own, *os.get_exec_path()]))
