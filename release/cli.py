"""Turn recipes into Invoke tasks: flags, settings, one question, exit codes."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from release import settings
from release.errors import ReleaseError, Usage, Waiting
from release.notices import announced
from release.report import Report
from release.versions import parse
from release.world import World

F = TypeVar("F", bound=Callable[..., Any])

FLAGS = {
    "abort": "take back the picks that stopped",
    "accept": "release it although the gate does not open, for this REASON",
    "again": "start a new run although there is one",
    "attach": "attach the receipt to the GitHub Release",
    "build_base": "push the base images again, which have no version",
    "bump": "minor, major or patch",
    "candidates": "list what is on the trunk and not on the line",
    "checks": "leave the branch's checks out: branch and tag in one push",
    "commit": "a commit of the trunk to pick; repeat it for more",
    "continue_": "go on with the picks that stopped",
    "component": "then release the SDK alone",
    "download": "save the wheel in this folder",
    "force": "write over what is there",
    "html": "write a page of it to this file",
    "last": "how many versions to show",
    "publish": "publish it once everything else is proved",
    "image": "build the runner image of this version too",
    "json": "one JSON object a line",
    "keep_order": "pick in the order given, not in the trunk's",
    "label": "only those whose pull request has this label",
    "line": "the line, such as 0.7",
    "mainline": "the parent a merge commit's change is against, such as 1",
    "merge": "merge it once it may be",
    "message": "the tag's message",
    "name": "the component, such as backend, web or sdk",
    "out": "the folder for the wheel",
    "path": "only those that touch this path",
    "pr": "a merged pull request to pick, by its number; repeat it for more",
    "prefix": "the key's prefix, such as release/",
    "patch": "then release a patch with a conflict",
    "publish_pypi": "publish to PyPI too",
    "python": "the interpreter to test with, such as 3.12",
    "receipt": "write the receipt, or compare with the one in this file",
    "ref": "the commit or branch to do it on",
    "rerun_failed": "have GitHub run the failed jobs once more",
    "root": "upload to the bucket's root, as no release",
    "run": "the run to take, by its id",
    "run_e2e": "run the end-to-end tests too",
    "shared": "other versions may be tagged at the same commit",
    "sign": "sign the tag",
    "since": "only those from this day on, such as 2026-11-01",
    "task": "what to rehearse, as typed after inv",
    "timeout": "seconds until a wait gives up, exit 4",
    "version": "strict SemVer such as 0.7.0, without a v",
    "via_pr": "go by a pull request, where the release branch is protected",
    "wheel": "the wheel's file",
    "yes": "write without asking",
}


class Namespace(Collection):
    """A collection whose environment variables are checked before invoke casts them."""

    def configuration(self, taskpath: str | None = None) -> dict[str, Any]:
        """Return the settings' defaults; raise Usage for a variable that invoke would drop, misread or crash on."""
        try:
            settings.check_environment(os.environ)
        except ReleaseError as error:
            Report().error(error)
            raise Exit(code=error.code) from error
        return super().configuration(taskpath)


def reads(recipe: F) -> F:
    """Mark a recipe that only reads: it gets --json."""
    recipe.flags = (*getattr(recipe, "flags", ()), "json")  # type: ignore[attr-defined]
    return recipe


def writes(recipe: F) -> F:
    """Mark a recipe that writes: it gets --yes, and asks once."""
    recipe.flags = ("yes",)  # type: ignore[attr-defined]
    return recipe


def writes_if(*names: str) -> Callable[[F], F]:
    """Mark a recipe that writes when one of these flags is given, and only reads otherwise."""

    def mark(recipe: F) -> F:
        recipe.flags = (*getattr(recipe, "flags", ()), "yes")  # type: ignore[attr-defined]
        recipe.writes_if = names  # type: ignore[attr-defined]
        return recipe

    return mark


def announces(recipe: F) -> F:
    """Mark a recipe of whose start and end people are told."""
    recipe.announces = True  # type: ignore[attr-defined]
    return recipe


def waits(recipe: F) -> F:
    """Mark a recipe that waits for something: it gets --timeout."""
    recipe.flags = (*getattr(recipe, "flags", ()), "timeout")  # type: ignore[attr-defined]
    return recipe


def reruns(recipe: F) -> F:
    """Mark a recipe that follows runs: it gets --rerun-failed, which writes."""
    yes = () if "yes" in getattr(recipe, "flags", ()) else ("yes",)
    if yes:
        recipe.writes_if = ("rerun_failed",)  # type: ignore[attr-defined]
    recipe.flags = (*getattr(recipe, "flags", ()), *yes, "rerun_failed")  # type: ignore[attr-defined]
    return recipe


def collection(name: str, recipes: Sequence[Callable[..., Any]]) -> Namespace:
    """Return the tasks of one namespace, each named for its recipe."""
    found = Namespace(name)
    for recipe in recipes:
        found.add_task(_task(recipe, f"{name}.{_name(recipe)}"))
    if name in settings.DEFAULTS:
        found.configure({name: settings.DEFAULTS[name]})
    return found


def _task(recipe: Callable[..., Any], title: str) -> Task[Any]:
    given = _parameters(recipe)
    flags: tuple[str, ...] = getattr(recipe, "flags", ())
    extra = [inspect.Parameter(flag, inspect.Parameter.KEYWORD_ONLY, default=_default(flag)) for flag in flags]
    first = inspect.Parameter("c", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    # invoke makes a list of a repeated flag only where the default is None.
    shown = [parameter.replace(default=None) if parameter.default == () else parameter for parameter in given]

    def body(c: Context, **values: Any) -> None:
        _run(c, recipe, title, values)

    body.__doc__, body.__name__ = recipe.__doc__, _name(recipe)
    body.__signature__ = inspect.Signature([first, *shown, *extra])  # type: ignore[attr-defined]
    names = [parameter.name for parameter in given + extra]
    return Task(
        body,
        name=_name(recipe),
        positional=[],
        iterable=[parameter.name for parameter in given if parameter.default == ()],
        optional=[parameter.name for parameter in given if parameter.default is None],  # a bare flag is True
        help={flag.strip("_").replace("_", "-"): FLAGS[flag] for flag in names if flag in FLAGS},
    )


def _parameters(recipe: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return what becomes a flag: each parameter, and of one whose default is a dataclass, each field."""
    found: list[inspect.Parameter] = []
    for parameter in list(inspect.signature(recipe).parameters.values())[1:]:
        default = parameter.default
        names = [each.name for each in fields(default)] if is_dataclass(default) else []
        found += [parameter.replace(name=name, default=getattr(default, name)) for name in names] or [parameter]
    return found


def _call(recipe: Callable[..., Any], world: World, values: Mapping[str, Any]) -> None:
    """Call the recipe with the flags' values, those of a dataclass put together again."""
    given = dict(values)
    for parameter in list(inspect.signature(recipe).parameters.values())[1:]:
        default: Any = parameter.default
        if is_dataclass(default) and not isinstance(default, type):
            known = {each.name: given.pop(each.name) for each in fields(default) if each.name in given}
            lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
            given[parameter.name] = replace(default, **{**known, **lists})
    recipe(world, **given)


def _run(c: Context, recipe: Callable[..., Any], title: str, values: dict[str, Any]) -> None:
    report = Report("text")
    try:
        read = settings.read(dict(c.config))
        report = Report("json" if values.pop("json", False) else read.release.output)
        world = _world(c, read, report, values)
        with report.group(title):
            if not _agree(world, recipe, values):
                with announced(world, title) if getattr(recipe, "announces", False) else nullcontext():
                    _call(recipe, world, values)
    except ReleaseError as error:
        report.error(error)
        raise Exit(code=error.code) from error
    except KeyboardInterrupt:
        stopped = Waiting("stopped", "Run the same again: it goes on where this stopped.")
        report.error(stopped)
        raise Exit(code=stopped.code) from None
    settled: Any = {"version": str(world.version or ""), "agreed": world.yes, "planned": world.planned}
    c.config["call"] = settled


def _world(c: Context, read: settings.Settings, report: Report, values: dict[str, Any]) -> World:
    """Open the world with what an earlier task of the same call settled: invoke shares its config among them."""
    call: Mapping[str, Any] = c.config.get("call", {})
    # One question a call, so one answer a call: in a chain of tasks people type --yes at the end.
    agreed = (
        values.pop("yes", False)
        or "--yes" in sys.argv
        or read.release.yes
        or os.environ.get("CI") == "true"
        or call.get("agreed", False)
    )
    return World(
        settings=read,
        report=report,
        dry=bool(c.config.run.dry),
        yes=agreed,
        version=parse(call["version"]) if call.get("version") else None,
        planned=dict(call.get("planned", {})),
        timeout=_seconds(values.pop("timeout", "")),
        rerun_failed=values.pop("rerun_failed", False),
    )


def _agree(world: World, recipe: Callable[..., Any], values: dict[str, Any]) -> bool:
    """Show a person at the terminal what would be written, and ask once; return whether all was done already."""
    if world.yes or world.dry or not _writes(recipe, world, values) or not world.report.interactive:
        return False
    plan = replace(world, dry=True, asking=True, planned={}, report=Report("json" if world.report.json else "text"))
    _call(recipe, plan, values)
    if not plan.report.todo:
        world.version = plan.version
        return True  # nobody was asked, so a later task of the same call asks
    if not world.report.ask("Do what is marked as to do?"):
        raise Usage("not done", "Nothing was written.")
    world.yes = True
    world.report.line()
    return False


def _writes(recipe: Callable[..., Any], world: World, values: Mapping[str, Any]) -> bool:
    only, given = getattr(recipe, "writes_if", ()), {**values, "rerun_failed": world.rerun_failed}
    return "yes" in getattr(recipe, "flags", ()) and (not only or any(given.get(name) for name in only))


def _seconds(text: str) -> float:
    if not text:
        return 0
    if not str(text).replace(".", "", 1).isdigit() or float(text) <= 0:
        raise Usage(f"--timeout {text} is no number of seconds", "Give one such as --timeout 600.")
    return float(text)


def _default(flag: str) -> object:
    return "" if flag == "timeout" else False


def _name(recipe: Callable[..., Any]) -> str:
    return recipe.__name__.strip("_")
