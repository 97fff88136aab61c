"""A recipe becomes an Invoke task: its flags and its help; `running` calls it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from invoke.collection import Collection
from invoke.context import Context as InvokeContext
from invoke.parser.argument import Argument
from invoke.tasks import Task

from release.call.flags import HELP, Kind, parameters_of, typed
from release.call.mistakes import refuse
from release.errors import Usage

F = TypeVar("F", bound=Callable[..., Any])
SHORT = {"version": "v", "yes": "y", "json": "j"}  # beside -h and -l: a letter means one thing in every task


def task(**kind: Any) -> Callable[[F], F]:
    """Declare a recipe a task, by what it does (see `Kind`); for a context of ours it stays the plain function."""

    def _declare(recipe: F) -> F:
        return cast("F", Recipe(recipe, Kind(**kind)))

    return _declare


class Recipe(Task[Any]):
    """A recipe as Invoke sees it: each parameter a flag, and of a group of flags, each of its fields."""

    def __init__(self, recipe: Callable[..., Any], kind: Kind) -> None:
        super().__init__(recipe, name=recipe.__name__.strip("_"), positional=[])
        self.kind = kind

    def __call__(self, context: Any, *args: Any, **flags: Any) -> Any:
        """Run the task for Invoke; call the recipe itself for a context of ours."""
        if not isinstance(context, InvokeContext):
            return self.body(context, *args, **flags)
        from release.call.running import run

        return run(context, self.body, self.kind, flags)

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return the flags; a default of `()` makes one repeatable, None gives it an optional value.

        Invoke asks for those of every task before it reads a call; a listing needs none, and making them all is
        most of what it costs.
        """
        typed.clear()
        listing = any(word.startswith("--list") or word == "-l" for word in sys.argv[1:])
        return [] if listing and not self.is_typed else self.arguments()

    @property
    def is_typed(self) -> bool:
        """Whether this call names the task as it is called here: to run it, to explain it, to complete its flags."""
        return any(self.name in word for word in sys.argv[1:])

    def arguments(self) -> list[Argument]:
        """Return the flags as invoke's arguments."""
        return [_argument(name, default) for name, default in self._flags()]

    def _flags(self) -> Iterator[tuple[str, Any]]:
        for parameter in parameters_of(self.body):
            group = getattr(parameter.default, "_asdict", None)
            yield from group().items() if group else [(parameter.name, parameter.default)]
        yield from self.kind.flags.items()
        if "version" not in self.body.__code__.co_varnames[: self.body.__code__.co_argcount]:
            yield "version", ""  # one call has one version: whichever task names it, all have it


class Flag(Argument):
    """A flag that is known to the whole call, whichever task it is typed with."""

    def set_value(self, value: Any, cast: bool = True) -> None:
        """Take the value typed."""
        try:
            super().set_value(value, cast)
        except ValueError:
            refuse(Usage(f"--{self.name} {value!r} is not a number", f"--{self.name}: {self.help}"))
        typed.setdefault(self.attr_name or self.name or "", []).append(self.value)


class Namespace(Collection):
    """The tasks of one namespace, which nothing changes: loading the task file need not copy them, as invoke would."""

    def __deepcopy__(self, memo: object) -> Namespace:
        """Return the very same."""
        return self

    def task_with_config(self, name: str | None) -> tuple[Any, dict[str, Any]]:
        """Return the task; the variables are checked for one that is typed, before invoke reads them and may crash."""
        found = self.tasks[name or ""]
        if found.is_typed and any(variable.startswith("INVOKE_") for variable in os.environ):
            from release.call.running import check_variables

            check_variables()
        return found, self._configuration


def namespace(name: str, modules: list[Any]) -> Namespace:
    """Return the tasks that these modules declare, in their order."""
    found = Namespace(name)
    for each in (value for module in modules for value in vars(module).values()):
        if isinstance(each, Recipe):
            found.add_task(each)
    return found


def _argument(name: str, default: Any) -> Argument:
    plain = name.strip("_").replace("_", "-")
    options: dict[str, Any] = {"attr_name": name} if plain != name else {}
    if default == ():
        options |= {"kind": list, "default": []}
    elif default is not None:
        options |= {"kind": type(default), "default": default}
    names = [plain, SHORT[name]] if name in SHORT else [plain]
    return Flag(names=names, help=HELP.get(name), optional=default is None, **options)
