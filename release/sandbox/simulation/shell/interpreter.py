"""A script's assignments, functions and commands: the shell itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from release.sandbox.simulation.shell.builtins import BUILTINS
from release.sandbox.simulation.shell.conditions import test_words
from release.sandbox.simulation.shell.expansion import node_text
from release.sandbox.simulation.shell.filters import FILTERS, filter_output
from release.sandbox.simulation.shell.flow import SIGNALS, Leave, Return
from release.sandbox.simulation.shell.limits import LONGEST, MOST_CALLS, TooMuch, check_size
from release.sandbox.simulation.shell.programs import Command, World, argument_lists, bare_words
from release.sandbox.simulation.shell.state import State, Value, label
from release.sandbox.simulation.shell.statements import Statements
from release.sandbox.simulation.shell.streams import Code, Redirects
from release.sandbox.simulation.unknown import is_known, unknown

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

Own = Callable[[list[str], dict[str, str], int], Code]
_SHEBANG = re.compile(r"#!\s*\S*\b(?:env\s+)?(?:ba)?sh\b")
_BESIDE = ("variable_assignment", "file_redirect", "heredoc_redirect", "herestring_redirect")


@cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


class Shell(Statements):
    """Follows scripts in one state; a `World` is asked about programs."""

    def __init__(self, world: World, state: State) -> None:
        super().__init__(world, state)
        self.functions: dict[str, Node] = {}
        self.depth = 0
        self.line: int | None = None  # of what is followed within another text
        self.own: dict[str, Own] = {
            **dict.fromkeys(("eval", "source", "."), self._included),
            "tee": self._tee,
            "test": self._tested,
            "trap": self._trap,
            "xargs": self._each,
        }
        self.kinds |= {
            "command": self._command,
            "declaration_command": self._declare,
            "function_definition": self._function,
            "unset_command": self._unset,
            "variable_assignment": self._assign,
        }

    def run(self, script: str) -> Code:
        """Follow a script to its end and return its exit code, nothing where that is not known."""
        try:
            return self._text(script)
        except Leave as left:
            return left.code
        except (TooMuch, RecursionError) as error:
            why = str(error) if isinstance(error, TooMuch) else "too deep"
            self.world.undecided(0, f"the rest of the script, which is not followed: {why}")
            self.state.opaque = True
            return None

    def _text(self, script: str) -> Code:
        check_size("a script", len(script), LONGEST)
        return self._all(_parser().parse(script.encode("utf-8", "replace")).root_node.children)

    def _assign(self, node: Node) -> Code:
        self.state.code = 0
        name, value = (node.child_by_field_name(each) for each in ("name", "value"))
        adds = any(each.type == "+=" for each in node.children)
        found: Value
        if value is not None and value.type == "array":
            found = self.expansion.words(value.named_children)
        else:
            found = self.expansion.word(value)
        if name is not None and name.type == "subscript":
            self._assign_entry(name, found)
        elif name is not None:
            before = self.state.variables.get(node_text(name), [] if isinstance(found, list) else "")
            self.state.variables[node_text(name)] = _added(before, found) if adds else found
        return self.state.code

    def _assign_entry(self, target: Node, found: Value) -> None:
        name, index = (target.child_by_field_name(each) for each in ("name", "index"))
        key, at = node_text(name) if name else "", self.expansion.word(index)
        values = self.state.variables.get(key, [])
        values = [*values] if isinstance(values, list) else [values]
        if at.isdecimal() and int(at) <= len(values):
            values[int(at) : int(at) + 1] = [found if isinstance(found, str) else " ".join(found)]
            self.state.variables[key] = values
        else:
            self.state.variables[key] = unknown(key)

    def _declare(self, node: Node) -> Code:
        for each in node.named_children:
            if each.type == "variable_assignment":
                self._assign(each)
        return 0

    def _unset(self, node: Node) -> Code:
        for each in node.named_children:
            self.state.variables.pop(node_text(each), None)
        return 0

    def _function(self, node: Node) -> Code:
        name, body = (node.child_by_field_name(each) for each in ("name", "body"))
        if name is not None and body is not None:
            self.functions[node_text(name)] = body
        return 0

    def _command(self, node: Node) -> Code:
        parts = [each for each in node.named_children if each.type not in _BESIDE]
        words = self.expansion.words(parts)
        assigned = [each for each in node.named_children if each.type == "variable_assignment"]
        environment = {
            node_text(each).partition("=")[0]: self.expansion.word(each.child_by_field_name("value"))
            for each in assigned
        }
        if not words:
            return 0
        words, environment = bare_words(words, environment)
        line = node.start_point[0] if self.line is None else self.line
        return self._with(self._redirects(node), lambda: self._call(words, environment, line))

    def _call(self, words: list[str], environment: dict[str, str], line: int) -> Code:
        """Do what a command says, whoever does it."""
        name, rest, state = words[0], words[1:], self.state
        if name in SIGNALS:
            self._leave(name, rest)
        if name in self.functions:
            return self._called(self.functions[name], rest)
        if name in BUILTINS:
            return BUILTINS[name](rest, _with_variables(state, environment))
        if name in self.own:
            return self.own[name](words, environment, line)
        if name in FILTERS:
            self._print(filter_output(words, _given(state), state))
            return 0
        return self._program(words, environment, line)

    def _program(self, words: list[str], environment: dict[str, str], line: int) -> Code:
        if (script := self._script(words)) is not None:
            return self._run_script(script, words, line)
        result = self.world.call(Command(words, line, self.state, environment, _given(self.state)))
        if result.output:
            self._print(result.output.rstrip("\n") + "\n")
        return result.code

    def _tested(self, words: list[str], environment: dict[str, str], line: int) -> Code:
        answer = test_words(words[1:], self.expansion)
        return None if answer is None else int(not answer)

    def _leave(self, name: str, rest: list[str]) -> None:
        number = rest[0] if rest else ""
        if name in ("break", "continue"):
            raise SIGNALS[name](levels=int(number) if number.isdecimal() else 1)
        code = self.state.code if not rest else int(number) if number.isdecimal() else None
        raise SIGNALS[name](code)

    def _called(self, body: Node, arguments: list[str]) -> Code:
        check_size("calls in each other", self.depth, MOST_CALLS)
        outer, uncertain = self.state.arguments, self.state.uncertain
        self.state.arguments, self.depth = arguments, self.depth + 1
        try:
            return self._one(body)
        except Return as left:
            return left.code
        finally:
            self.state.arguments, self.state.uncertain, self.depth = outer, uncertain, self.depth - 1

    def _tee(self, words: list[str], environment: dict[str, str], line: int) -> Code:
        given = _given(self.state)
        for name in (word for word in words[1:] if not word.startswith("-")):
            self.state.files.write(self.state.folder, name, given, "-a" in words)
        self._print(given)
        return 0

    def _trap(self, words: list[str], environment: dict[str, str], line: int) -> Code:
        if len(words) > 2 and words[1] not in ("", "-"):
            self.world.undecided(line, f"what `{label(words)}` does at its end")
        return 0

    def _included(self, words: list[str], environment: dict[str, str], line: int) -> Code:
        """Follow a text that is not the script's own, at the line that asks for it."""
        name, *rest = words
        files, folder = self.state.files, self.state.folder
        text = " ".join(rest) if name == "eval" else files.read(folder, rest[0]) if rest else None
        if text is None or not is_known(text) or self.depth >= MOST_CALLS:
            self.world.undecided(line, f"what `{label(words)}` does")
            return None
        outer, self.line = self.line, line
        self.depth += 1
        try:
            return self._text(text)
        finally:
            self.line, self.depth = outer, self.depth - 1

    def _script(self, words: list[str]) -> str | None:
        """Return the text of a shell's script in the repository that a command runs."""
        match words:
            case ["bash" | "sh", "-c", text, *_]:
                return text
            case ["bash" | "sh", path, *_] if not path.startswith("-"):
                return self.state.files.read(self.state.folder, path)
        found = self.state.files.read(self.state.folder, words[0]) if "/" in words[0] else None
        return found if found and _SHEBANG.match(found) else None

    def _run_script(self, text: str, words: list[str], line: int) -> Code:
        """Follow a script in a shell of its own, at the line that runs it."""
        if self.depth >= MOST_CALLS or not is_known(text):
            return None
        at = 3 if words[1:2] == ["-c"] else 2 if words[0] in ("bash", "sh") else 1
        outer, outer_line, self.line = self.state, self.line, line
        self.state, self.depth = self.state.fork(), self.depth + 1
        self.state.arguments, self.state.errexit = words[at:], False
        try:
            return self._text(text)
        except Leave as left:
            return left.code
        finally:
            outer.opaque = self.state.opaque
            self.state, self.line, self.depth = outer, outer_line, self.depth - 1

    def _each(self, rest: list[str], environment: dict[str, str], line: int) -> Code:
        code: Code = 0
        for words in argument_lists(rest[1:], _given(self.state)):
            code = self._with(Redirects(""), lambda words=words: self._call(words, environment, line))  # type: ignore[misc]
        return code


def _added(before: Value, found: Value) -> Value:
    if isinstance(found, list):
        return [*(before if isinstance(before, list) else [before]), *found]
    return [*before, found] if isinstance(before, list) else before + found


def _given(state: State) -> str:
    return "".join(f"{line}\n" for line in state.input)


def _with_variables(state: State, environment: dict[str, str]) -> State:
    """Return the state with what stands before a command alone: `IFS=, read a b`."""
    if "IFS" in environment:
        state.variables["IFS"] = environment["IFS"]
    return state
