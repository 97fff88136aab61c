"""A recipe becomes an Invoke task: its flags and its help; `running` calls it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from invoke.collection import Collection
from invoke.context import Context as InvokeContext
from invoke.parser.argument import Argument
from invoke.tasks import Task

from release.call.flags import HELP, Kind, parameters_of, typed

F = TypeVar("F", bound=Callable[..., Any])
SHORT = {"version": "v", "yes": "y", "json": "j"}  # beside -h and -l: a letter means one thing in every task


def task(
    *,
    writes: bool | tuple[str, ...] = False,
    reads: bool = False,
    waits: bool = False,
    reruns: bool = False,
    announces: bool = False,
) -> Callable[[F], F]:
    """Declare a recipe a task; called with a context of ours, it stays the plain function that it is."""
    kind = Kind(writes, reads, waits, reruns, announces)

    def declare(recipe: F) -> F:
        return cast("F", Recipe(recipe, kind))

    return declare


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

        Invoke asks for those of every task before it reads a call; a task that is not typed needs none, and making
        them all is most of what listing the tasks costs.
        """
        typed.clear()
        return self.arguments() if any(self.name in word for word in sys.argv[1:]) else []

    def arguments(self) -> list[Argument]:
        """Return the flags as invoke's arguments."""
        return [_argument(name, default) for name, default in self.flags()]

    def flags(self) -> Iterator[tuple[str, Any]]:
        """Yield each flag's name and default."""
        for parameter in parameters_of(self.body):
            group = getattr(parameter.default, "_asdict", None)
            yield from group().items() if group else [(parameter.name, parameter.default)]
        yield from self.kind.flags.items()
        if "version" not in self.body.__code__.co_varnames[: self.body.__code__.co_argcount]:
            yield "version", ""  # one call has one version: whichever task names it, all have it


class _Flag(Argument):
    """A flag that is known to the whole call, whichever task it is typed with."""

    def set_value(self, value: Any, cast: bool = True) -> None:
        """Take the value typed."""
        super().set_value(value, cast)
        typed.setdefault(self.attr_name or self.name or "", []).append(self.value)


class Namespace(Collection):
    """The tasks of one namespace, which nothing changes: loading the task file need not copy them, as invoke would."""

    def __deepcopy__(self, memo: object) -> Namespace:
        """Return the very same."""
        return self


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
    return _Flag(names=names, help=HELP.get(name), optional=default is None, **options)
