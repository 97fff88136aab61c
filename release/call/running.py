"""Run one task of a call: settings, the context it shares with the call's other tasks, one question, exit codes."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.exceptions import Exit

from release import settings
from release.call import plan_file, variables
from release.call.context import Context, Facts, Options, View
from release.call.flags import Kind, parameters_of, typed
from release.call.mistakes import refuse
from release.call.notices import announcement
from release.call.plan import Approved
from release.call.report import Report
from release.call.texts import amount
from release.errors import ReleaseError, Usage, Waiting
from release.versions import is_line, line_of, parse, parse_line

if TYPE_CHECKING:
    from invoke.config import Config
    from invoke.context import Context as InvokeContext

# At debug level they tell whole addresses: a webhook's, signed ones, a remote's with its password (S1).
for _name in ("urllib3", "botocore", "git.cmd"):
    logging.getLogger(_name).setLevel(logging.WARNING)

NAMESPACES = ("sdk", "image", "platform", "sandbox")
_last: tuple[weakref.ref[Config], Context] | None = None  # invoke keeps one configuration a call


class Silence(Report):
    """A report of which nobody hears: a dry run that is made to compare alone."""

    def __init__(self) -> None:
        super().__init__(stream=StringIO())
        self.actions = False

    def record(self, **facts: Any) -> None:
        """Keep the facts to itself."""
        self.facts.update(facts)


def run(c: InvokeContext, recipe: Callable[..., Any], kind: Kind, flags: dict[str, Any]) -> None:
    """Run the task; a ReleaseError is printed and becomes its exit code, Ctrl-C says how to go on."""
    report = Report("text")
    try:
        given = _settings(c)
        report = Report("json" if flags.pop("json", False) else given.release.output)
        file = flags.pop("plan", "") if kind.plans else ""
        context = _context(c, given, report, flags)
        if "version" not in {parameter.name for parameter in parameters_of(recipe)}:
            flags.pop("version", None)
        title = _title(recipe)
        with report.group(title), _plan(context, file, title, flags) as context:
            if not _agree(context, recipe, kind, flags):
                with announcement(context, title) if kind.announces else nullcontext():
                    _call(recipe, context, flags)
    except ReleaseError as error:
        report.error(error)
        raise Exit(code=error.code) from error
    except KeyboardInterrupt:
        stopped = Waiting("stopped", "Run the same again: it goes on where this stopped.")
        report.error(stopped)
        raise Exit(code=stopped.code) from None


def check_variables() -> None:
    """Check the environment before invoke reads it; a ReleaseError is printed and becomes its exit code."""
    try:
        variables.check_environment(os.environ)
    except ReleaseError as error:
        refuse(error)


def _settings(c: InvokeContext) -> settings.Settings:
    """Read the settings once a call, all namespaces' (F28): invoke reads variables for the called task's alone."""
    if _last and _last[0]() is c.config:
        return _last[1].settings
    given = {name: c.config[name] for name in settings.DEFAULTS if name in c.config}
    settings.read(given)  # before it is merged
    c.config.load_defaults({**c.config.global_defaults(), **settings.defaults_beside(given)})
    c.config.load_shell_env()
    if c.config._runtime_path and not c.config._runtime_found:  # invoke passes over a file that is not there
        raise Usage(f"-f {c.config._runtime_path}: there is no such file", "Name a settings file that is there.")
    merged = dict(c.config)
    variables.check_environment(os.environ, merged)
    return settings.read(merged)


def _context(c: InvokeContext, given: settings.Settings, report: Report, flags: dict[str, Any]) -> Context:
    """Return the context of this task: facts, view and doors are those of the call's tasks before it."""
    global _last  # noqa: PLW0603 the call is the process's, and invoke has no place for it
    for name in ("yes", "skip"):
        flags.pop(name, False)
    options = Options(
        dry=bool(c.config.run.dry),
        # One question a call, so one answer a call: in a chain of tasks people type --yes at the end.
        yes="yes" in typed or given.release.yes or os.environ.get("CI") == "true",
        timeout=_seconds(flags.pop("timeout", "")),
        rerun_failed=flags.pop("rerun_failed", False),
        skip="skip" in typed,
    )
    if _last and _last[0]() is c.config:
        context = replace(_last[1], settings=given, report=report, options=options)
    else:
        facts, folder = _facts_of_call(), _folder(c)
        context = Context(settings=given, report=report, options=options, facts=facts, folder=folder)
    _last = weakref.ref(c.config), context
    return context


@contextmanager
def _plan(context: Context, file: str, title: str, flags: Mapping[str, Any]) -> Iterator[Context]:
    """Give the call the plan to follow; a dry one notes its own, which is written once all of it is known."""
    path, typed_flags = Path(file), {**flags, "skip": context.options.skip}
    if not file:
        yield context
    elif not context.dry:
        yield replace(context, plan=plan_file.follow(path, title, typed_flags))
    else:
        draft = plan_file.begin(path, context.today)
        yield replace(context, plan=draft)
        plan_file.save(draft, path, title, typed_flags)
        context.report.step("made", f"plan {file}: {amount(len(draft.steps), 'step')}")


def _folder(c: InvokeContext) -> Path:
    """Return the working directory; where `inv -r` found the task file elsewhere, the folder that has it."""
    here, root = Path.cwd(), Path(c.config._project_prefix or Path.cwd())  # invoke tells it nowhere else
    return here if here.is_relative_to(root.resolve()) else root


def _facts_of_call() -> Facts:
    """Return what the call is about: one version or line, whichever task names it; raise Usage for two of either."""
    texts = dict.fromkeys(text for text in typed.get("version", []) if text)
    versions = [parse(text) for text in texts if not is_line(text)]
    lines = {parse_line(text) if is_line(text) else line_of(parse(text)) for text in texts}
    if len(versions) > 1 or len(lines) > 1:
        raise Usage(f"one call has one version, not {' and '.join(texts)}", "Type each version in a call of its own.")
    return Facts(next(iter(versions), None), next(iter(lines), None), bool(versions))


def _call(recipe: Callable[..., Any], context: Context, flags: Mapping[str, Any]) -> None:
    """Call the recipe with the flags' values, those of a group put together again."""
    given = dict(flags)
    for parameter in parameters_of(recipe):
        group: Any = parameter.default
        if hasattr(group, "_fields"):
            known = {name: given.pop(name) for name in group._fields if name in given}
            lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
            given[parameter.name] = group._replace(**{**known, **lists})
    recipe(context, **given)


def _agree(context: Context, recipe: Callable[..., Any], kind: Kind, flags: Mapping[str, Any]) -> bool:
    """Show a person at the terminal what would be written, and ask once; return whether all was done already."""
    options = context.options
    agreed = options.yes or options.dry or context.facts.agreed
    if agreed or not _writes(kind, context, flags) or not context.report.interactive:
        if isinstance(context.plan, Approved):
            _try(context, recipe, flags, Silence())  # all of it is held against the plan before anything is written
        return False
    trial = _try(context, recipe, flags, Report("json" if context.report.json else "text"))
    if not trial.report.todo:
        context.facts.version = trial.facts.version
        return True  # nobody was asked, so a later task of the same call asks
    if not context.report.ask(f"Do the steps marked {context.report.mark('todo')}?"):
        raise Usage("Not confirmed; nothing was written", "Run the same again to be asked once more.")
    context.facts.agreed = True
    context.look_anew()  # a person took the time to read
    context.report.line()
    return False


def _try(context: Context, recipe: Callable[..., Any], flags: Mapping[str, Any], report: Report) -> Context:
    """Call the recipe once as a dry run, and return what it was called with."""
    plan = context.plan.afresh() if isinstance(context.plan, Approved) else context.plan
    options = replace(context.options, dry=True, asking=True)
    trial = replace(context, options=options, report=report, facts=replace(context.facts), view=View(), plan=plan)
    _call(recipe, trial, flags)
    context.look_anew()
    return trial


def _writes(kind: Kind, context: Context, flags: Mapping[str, Any]) -> bool:
    writes = kind.writes
    return context.options.rerun_failed or (
        writes if isinstance(writes, bool) else any(flags.get(name) for name in writes)
    )


def _title(recipe: Callable[..., Any]) -> str:
    """Return the task's name as it is typed: its module is its namespace, or one of release's several."""
    module = recipe.__module__.rpartition(".")[2]
    return f"{module if module in NAMESPACES else 'release'}.{recipe.__name__.strip('_')}"


def _seconds(text: str) -> float:
    if not text:
        return 0
    if not str(text).replace(".", "", 1).isdigit() or float(text) <= 0:
        raise Usage(f"--timeout {text} is no number of seconds", "Give one such as --timeout 600.")
    return float(text)
