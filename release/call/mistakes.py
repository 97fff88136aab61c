"""What invoke itself cannot read, a call or a settings file, said as the tasks say theirs."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import NoReturn

from invoke.exceptions import Exit
from invoke.parser.parser import ParseMachine

from release.errors import ReleaseError, Usage, suggestion

UNKNOWN = re.compile(r"No idea what (?P<word>.*) is!", re.DOTALL)
LOADS = {("invoke.config", name) for name in ("load_project", "load_runtime", "merge")}  # where it reads its files
VARIABLES = ("invoke.config", "load_shell_env")  # where it reads a variable as what stands in the file: 5 takes no 0.2
STDOUT = 1


def explain_mistakes() -> None:
    """Have invoke's parser, and Python where invoke has no words at all, say what is wrong and what to type."""
    ParseMachine.error = _refuse_call  # type: ignore[assignment, method-assign]  # invoke has no other way in
    sys.excepthook = _refuse_uncaught


def refuse(error: ReleaseError) -> NoReturn:
    """Print the error and end with its exit code, before any task runs."""
    from release.call.report import Report

    Report("json" if os.environ.get("INVOKE_RELEASE_OUTPUT") == "json" else "text").error(error)
    raise Exit(code=error.code) from error


def _refuse_call(machine: ParseMachine, said: str) -> NoReturn:
    unknown, flag = UNKNOWN.fullmatch(said), machine.flag
    if unknown:
        refuse(_unknown(machine, ast.literal_eval(unknown["word"])))
    if flag and flag.raw_value is None:
        refuse(Usage(f"--{flag.name} needs a value", f"--{flag.name}: {flag.help}"))
    refuse(Usage(said))


def _unknown(machine: ParseMachine, word: str) -> Usage:
    """Return what is wrong with a word that is neither task nor flag, with what was meant."""
    task = machine.context.name
    if word.startswith("-"):
        near = suggestion(word.lstrip("-"), {flag.lstrip("-"): flag for flag in machine.context.flags})
        return Usage(f"{task or 'inv'} has no flag {word}", f"{near}Its flags: inv --help{f' {task}' if task else ''}")
    if machine.flag and not machine.flag.takes_value and task:
        return Usage(f"{word!r}: --{machine.flag.name} takes no value, and no task has this name", _hint(machine, word))
    return Usage(f"{word!r} is no task", _hint(machine, word))


def _hint(machine: ParseMachine, word: str) -> str:
    task, names = machine.context.name, list(machine.contexts)
    named = "line" if word.count(".") == 1 and "line" in machine.context.args else "version"
    if task and re.match(r"[0-9]+\.[0-9]", word) and named in machine.context.args:
        return f"Did you mean inv {task} --{named} {word}?"
    if any(name.startswith(f"{word}.") for name in names):
        return f"Its tasks: inv --list {word}"
    known = {name: name for name in names}
    for name in names:
        last = name.rpartition(".")[2]
        known[last] = f"{known[last]} or {name}" if last in known else name
    space, dot, last = word.rpartition(".")
    if dot and any(name.startswith(f"{space}.") for name in names):  # the part before the dot is right: no likeness
        own = {name.rpartition(".")[2]: name for name in names if name.startswith(f"{space}.")}
        return suggestion(last, own).strip() or f"Tasks of {space}: inv --list {space}"
    return suggestion(word, known).strip() or "All tasks: inv --list"


def _refuse_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say what ends the process otherwise than by a task: a closed pipe, a settings file that invoke cannot read."""
    frames = list(_frames(trace))
    if isinstance(error, BrokenPipeError) and frames[-1][0] == "invoke.program":  # inv --list | head: no task ran
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
        raise SystemExit(0)
    if VARIABLES in frames:
        hint = "Write numbers in invoke.yaml as the variable has them (5.0), or leave the variable out."
        _end(Usage(f"a variable INVOKE_… does not fit what invoke.yaml has: {error}", hint))
    if not LOADS.isdisjoint(frames):
        mark = getattr(error, "problem_mark", None)
        place = f"{mark.name}, line {mark.line + 1}" if mark else "invoke.yaml"
        problem = getattr(error, "problem", "") or "it must be keys with values, such as release: {trunk: main}"
        _end(Usage(f"{place} cannot be read: {problem}", "Correct it there, then run the same again."))
    sys.__excepthook__(kind, error, trace)


def _end(error: Usage) -> NoReturn:
    try:
        refuse(error)
    except Exit as end:
        raise SystemExit(end.code) from None


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, str]]:
    """Yield the module and function of each call that an exception came through, outermost first."""
    while trace:
        yield trace.tb_frame.f_globals.get("__name__", ""), trace.tb_frame.f_code.co_name
        trace = trace.tb_next
