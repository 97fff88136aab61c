"""What a job runs on: folders of its own, a clean environment, the contexts of its expressions."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from release.sandbox.contexts import step_contexts
from release.sandbox.joblog import Log
from release.workflows import expressions

if TYPE_CHECKING:
    from release.sandbox.job import Job
    from release.sandbox.jobs import WorkflowRun

Inputs = dict[str, str]
Outputs = dict[str, str]

# What GitHub sets from the `github` context.
_FROM_CONTEXT = (
    *("actor", "api_url", "base_ref", "event_name", "head_ref", "job", "ref", "ref_name", "ref_protected", "ref_type"),
    *("repository", "repository_owner", "run_attempt", "run_id", "run_number", "server_url", "sha", "triggering_actor"),
    *("workflow", "workflow_ref", "workflow_sha"),
)


class ActionFailed(Exception):
    """An action ran and says no."""


def deep_value(value: Any, context: Mapping[str, Any]) -> Any:
    """Evaluate the expressions in a value of the file, at any depth."""
    if isinstance(value, str):
        whole = value.strip().startswith("${{") and value.strip().endswith("}}") and value.count("${{") == 1
        return expressions.evaluate(value, context) if whole else expressions.interpolate(value, context)
    if isinstance(value, Mapping):
        return {key: deep_value(one, context) for key, one in value.items()}
    return [deep_value(one, context) for one in value] if isinstance(value, list) else value


def deep_text(found: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, str]:
    """Evaluate the expressions in a mapping such as `env`, to text."""
    return {str(key): expressions.interpolate(expressions.text(value), context) for key, value in found.items()}


class Machine:
    """The machine of one job."""

    def __init__(self, run: WorkflowRun, job: Job) -> None:
        self.run = run
        self.job = job
        self.folder = run.folder / f"attempt-{run.attempt}" / str(job.id)
        self.workspace = self.folder / "work"
        self.temp = self.folder / "temp"
        self.tools = self.folder / "tools"
        self.home = self.folder / "home"
        self.log = Log(job, map(str, run.context.get("secrets", {}).values()))
        self.status = "success"
        self.steps: dict[str, dict[str, Any]] = {}
        self.paths: list[str] = []
        self.variables: dict[str, str] = {}
        self.contexts = step_contexts(run, job)

    def set_up(self) -> None:
        """Make the folders and write the event; evaluate the variables of workflow and job."""
        for folder in (self.workspace, self.temp, self.tools, self.home):
            folder.mkdir(parents=True)
        self.contexts["github"] = {**self.contexts["github"], "job": self.job.key, "workspace": str(self.workspace)}
        event = json.dumps(self.contexts["github"]["event"], indent=2)
        (self.temp / "event.json").write_text(event + "\n", encoding="utf-8")
        for found in (self.run.workflow.env, self.job.spec.get("env") or {}):
            self.variables |= deep_text(found, self.context())

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
        own = {f"GITHUB_{name.upper()}": expressions.text(github[name]) for name in _FROM_CONTEXT if name in github}
        runner = {f"RUNNER_{name.upper()}": text for name, text in self.runner().items()}
        fixed = {"GITHUB_ACTIONS": "true", "CI": "true", "HOME": str(self.home), "LANG": "C.UTF-8"}
        places = {
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_EVENT_PATH": str(self.temp / "event.json"),
            "PATH": self.path(),
        }
        return own | runner | fixed | self.run.env | places | self.variables | dict(variables)

    def path(self) -> str:
        """Join the folders of commands: what the steps added, the running interpreter's own, the machine's."""
        found = [*self.paths, str(Path(sys.executable).parent), *os.get_exec_path()]
        return os.pathsep.join(dict.fromkeys(found))
