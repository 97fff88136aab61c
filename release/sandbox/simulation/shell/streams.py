"""One statement after the other, and where what they print goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from release.sandbox.simulation.shell.expansion import Expansion, node_text
from release.sandbox.simulation.shell.flow import Exit
from release.sandbox.simulation.shell.limits import LONGEST, MOST_STATEMENTS, check_size
from release.sandbox.simulation.shell.programs import World
from release.sandbox.simulation.shell.state import State
from release.sandbox.simulation.unknown import unknown

if TYPE_CHECKING:
    from tree_sitter import Node

Code = int | None
Part = Callable[[], Code]
# A failure in one of the others is one of what stands in them.
_FAILING = ("command", "test_command", "subshell", "variable_assignment")


@dataclass
class Redirects:
    """What a statement reads, the files that it writes and whether each is added to, what its output goes on to."""

    given: str | None = None
    targets: list[tuple[str, bool]] = field(default_factory=list)
    following: Node | None = None

    @property
    def takes_output(self) -> bool:
        """Whether what is printed goes elsewhere."""
        return bool(self.targets or self.following)


class Streams:
    """Follows statements by their kinds, in a state."""

    kinds: dict[str, Callable[[Node], Code]]

    def __init__(self, world: World, state: State) -> None:
        self.world = world
        self.state = state
        self.tested = False  # inside of a condition nothing ends the script
        self.followed = 0  # statements
        self.printed = 0  # characters
        self.kinds = {
            "pipeline": self._pipeline,
            "redirected_statement": self._redirected,
            "subshell": self._subshell,
        }

    @property
    def expansion(self) -> Expansion:
        """What expands words in the state as it is."""
        return Expansion(self.state, self._substitute)

    def _all(self, nodes: Sequence[Node], tested: bool = False) -> Code:
        code: Code = 0
        for node in nodes:
            if node.is_named and node.type != "comment":
                code = self._one(node, tested)
        return code

    def _one(self, node: Node, tested: bool = False) -> Code:
        """Follow one statement; unless it is tested, one that fails ends the script."""
        if node.type == "ERROR":
            self.world.undecided(node.start_point[0], f"what cannot be read: {node_text(node)[:60]}")
            return None
        self.followed += 1
        check_size("statements", self.followed, MOST_STATEMENTS)
        outer, self.tested = self.tested, tested or self.tested
        try:
            code = self.kinds[node.type](node) if node.type in self.kinds else self._all(node.children)
            self.state.code = code
            if code and self.state.errexit and not self.tested and node.type in _FAILING:
                raise Exit(code)
        finally:
            self.tested = outer
        return code

    def _print(self, text: str) -> None:
        self.printed += len(text)
        check_size("output", self.printed, LONGEST)
        self.state.output.append(text)

    def _pipeline(self, node: Node) -> Code:
        *before, last = node.named_children
        given: str | None = None
        for part in before:
            given = self._capture(lambda part=part: self._one(part, tested=True), given)  # type: ignore[misc]
        return self._with(Redirects(given), lambda: self._one(last))

    def _subshell(self, node: Node) -> Code:
        outer, self.state = self.state, self.state.fork()
        try:
            return self._all(node.children)
        except Exit as left:
            return left.code
        finally:
            outer.opaque, self.state = self.state.opaque, outer

    def _substitute(self, node: Node) -> str:
        """Return what a command substitution prints."""
        parts = node.named_children
        if len(parts) == 1 and parts[0].type == "file_redirect":  # $(< file)
            found = self.state.files.read(self.state.folder, self.expansion.word(parts[0].named_children[-1]))
            return unknown(node_text(node)) if found is None else found.rstrip("\n")
        return self._capture(lambda: self._all(parts, tested=True)).rstrip("\n")

    def _capture(self, part: Part, given: str | None = None) -> str:
        """Follow a part in a subshell and return what it prints."""
        outer, self.state = self.state, self.state.fork()
        self.state.output = []
        if given is not None:
            self.state.input = given.splitlines()
        try:
            self.state.code = part()
        except Exit as left:
            self.state.code = left.code
        finally:
            inner, self.state = self.state, outer
            outer.code, outer.opaque = inner.code, inner.opaque
        return "".join(inner.output)

    def _redirected(self, node: Node) -> Code:
        body = node.child_by_field_name("body")
        return self._with(self._redirects(node), lambda: self._one(body) if body else 0)

    def _with(self, found: Redirects, part: Part) -> Code:
        """Follow a part whose streams go elsewhere."""
        state = self.state
        given, output = state.input, state.output
        state.input = given if found.given is None else found.given.splitlines()
        state.output = [] if found.takes_output else output
        try:
            code = part()
        finally:
            printed, state.input, state.output = "".join(state.output), given, output
            for target, append in found.targets:
                state.files.write(state.folder, target, printed, append)
        following = found.following
        return code if following is None else self._with(Redirects(printed), lambda: self._one(following))

    def _redirects(self, node: Node) -> Redirects:
        """Read what redirects a statement, and what stands on the line of a here document."""
        found = Redirects()
        for each in node.named_children:
            if each.type == "heredoc_redirect":
                found.given = self._document(each)
                found.following = next((one for one in each.named_children if one.type in _FOLLOWING), None)
                found.targets += self._redirects(each).targets
            elif each.type == "herestring_redirect":
                found.given = self.expansion.word(each.named_children[-1]) + "\n"
            elif each.type == "file_redirect":
                self._file(each, found)
        return found

    def _document(self, node: Node) -> str:
        start = next(each for each in node.named_children if each.type == "heredoc_start")
        body = next((each for each in node.named_children if each.type == "heredoc_body"), None)
        if body is None:
            return ""
        literal = node_text(start)[:1] in ("'", '"', "\\")
        text = node_text(body) if literal else self.expansion.document(body)
        stripped = node_text(node).startswith("<<-")
        return "".join(line.lstrip("\t") if stripped else line for line in text.splitlines(keepends=True))

    def _file(self, node: Node, found: Redirects) -> None:
        operator = next(each.type for each in node.children if not each.is_named)
        descriptor = next((node_text(each) for each in node.named_children if each.type == "file_descriptor"), "1")
        target = node.child_by_field_name("destination")
        if target is None:
            return
        name = self.expansion.word(target)
        if operator == "<":
            text = self._process(target) if target.type == "process_substitution" else None
            read = self.state.files.read(self.state.folder, name) if text is None else text
            found.given = unknown(f"< {name}") if read is None else read
        elif descriptor == "1" and not (operator == ">&" and name.isdecimal()):
            found.targets.append((name, operator in (">>", "&>>")))
        elif descriptor == "1" and name == "2":
            found.targets.append(("/dev/stderr", True))

    def _process(self, node: Node) -> str:
        return self._capture(lambda: self._all(node.named_children, tested=True))


_FOLLOWING = ("pipeline", "command", "list", "subshell")
