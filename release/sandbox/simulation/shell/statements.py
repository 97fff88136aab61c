"""Lists, conditions, cases and loops: what is not known is followed both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING

from release.sandbox.simulation.shell.conditions import test
from release.sandbox.simulation.shell.expansion import node_text
from release.sandbox.simulation.shell.flow import Break, Continue, Leave
from release.sandbox.simulation.shell.limits import MOST_TURNS, check_size
from release.sandbox.simulation.shell.programs import World
from release.sandbox.simulation.shell.state import State
from release.sandbox.simulation.shell.streams import Code, Part, Streams
from release.sandbox.simulation.shell.words import matches
from release.sandbox.simulation.unknown import is_known, shown, unknown

if TYPE_CHECKING:
    from tree_sitter import Node


_QUESTIONS = ("test", "[", "[[", "!", "grep", "egrep", "fgrep", "cmp", "diff")


def _asks(node: Node) -> bool:
    """Whether a statement is a question, whose "no" is an answer; any other is taken to succeed."""
    last = node.named_children[-1] if node.type == "pipeline" else node
    return node_text(last).split(None, 1)[:1] in [[each] for each in _QUESTIONS]


def _first_line(node: Node) -> str:
    return node_text(node).splitlines()[0][:60]


class Statements(Streams):
    """Follows the statements that hold others."""

    def __init__(self, world: World, state: State) -> None:
        super().__init__(world, state)
        self.kinds |= {
            "case_statement": self._case,
            "compound_statement": self._compound,
            "c_style_for_statement": self._counted,
            "for_statement": self._for,
            "if_statement": self._if,
            "list": self._list,
            "negated_command": self._negated,
            "test_command": self._test,
            "while_statement": self._while,
        }

    def _compound(self, node: Node) -> Code:
        return None if node.children[0].type == "((" else self._all(node.children)

    def _list(self, node: Node) -> Code:
        left, operator, right = node.children[0], node.children[1].type, node.children[-1]
        code = self._one(left, tested=True)
        if code is None and (operator == "||" or self.tested or _asks(left)):
            self._either(left, f"whether `{_first_line(left)}` succeeds", [lambda: self._one(right), lambda: 0])
            return None if self.tested else 0
        return code if bool(code) is (operator == "&&") else self._one(right)

    def _negated(self, node: Node) -> Code:
        code = self._one(node.named_children[-1], tested=True)
        return None if code is None else int(not code)

    def _test(self, node: Node) -> Code:
        answer = test(node, self.expansion)
        return None if answer is None else int(not answer)

    def _if(self, node: Node) -> Code:
        return self._alternatives(node, [each for each in node.children if each.is_named or each.type == "then"])

    def _alternatives(self, node: Node, children: Sequence[Node]) -> Code:
        """Follow a condition, `then`, a body, and the clauses after it."""
        at = next((number for number, each in enumerate(children) if each.type == "then"), len(children))
        condition, rest = children[:at], children[at + 1 :]
        clauses = [each for each in rest if each.type in ("elif_clause", "else_clause")]
        body = [each for each in rest if each not in clauses]
        code = self._all(condition, tested=True)
        if code is None:
            what = f"whether `{_first_line(condition[0])}`" if condition else "a condition"
            return self._either(node, what, [lambda: self._all(body), lambda: self._clauses(clauses)])
        return self._clauses(clauses) if code else self._all(body)

    def _clauses(self, clauses: Sequence[Node]) -> Code:
        if not clauses:
            return 0
        first, *others = clauses
        children = [each for each in first.children if each.is_named or each.type == "then"]
        return self._all(children) if first.type == "else_clause" else self._alternatives(first, [*children, *others])

    def _either(self, node: Node, what: str, parts: Sequence[Part]) -> Code:
        """Follow all of what may come, and go on with what they agree in."""
        self.world.undecided(node.start_point[0], what)
        outer, branches, ends = self.state, list[State](), list[Leave]()
        for part in parts:
            self.state = branch = outer.fork()
            branch.uncertain += 1
            try:
                part()
                branches.append(branch)
            except Leave as left:
                ends.append(left)
            finally:
                self.state = outer
        if not branches:
            raise ends[-1]
        outer.merge(branches)
        # An end that fails is taken not to come: the run is one that succeeds.
        outer.uncertain += any(not end.code for end in ends)
        return 0

    def _case(self, node: Node) -> Code:
        subject = self.expansion.word(node.child_by_field_name("value"))
        items = [each for each in node.named_children if each.type == "case_item"]
        if not is_known(subject):
            bodies: list[Part] = [lambda item=item: self._item(item) for item in items]  # type: ignore[misc]
            return self._either(node, f"which case {shown(subject)} is", [*bodies, lambda: 0])
        for item in items:
            if any(matches(subject, self.expansion.text(each)) for each in item.children_by_field_name("value")):
                return self._item(item)
        return 0

    def _item(self, item: Node) -> Code:
        values = item.children_by_field_name("value")
        return self._all([each for each in item.named_children if each not in values])

    def _for(self, node: Node) -> Code:
        name, body = node.child_by_field_name("variable"), node.child_by_field_name("body")
        values = node.children_by_field_name("value")
        words = self.expansion.words(values) if values else [*self.state.arguments]

        def part(word: str) -> Code:
            """Follow the body with one value."""
            self.state.variables[node_text(name) if name else "_"] = word
            return self._one(body) if body else 0

        return self._turns(lambda word=word: part(word) for word in words)  # type: ignore[misc]

    def _while(self, node: Node) -> Code:
        conditions = [each for each in node.children_by_field_name("condition") if each.is_named]
        body, wanted = node.child_by_field_name("body"), node.children[0].type == "while"

        def parts() -> Iterator[Part]:
            """Give turns as long as the condition holds, one where that is not known."""
            while (code := self._all(conditions, tested=True)) is not None and (not code) is wanted:
                yield lambda: self._one(body) if body else 0
            if code is None:
                what = f"how often `{_first_line(node)}`"
                yield lambda: self._either(node, what, [lambda: self._one(body) if body else 0, lambda: 0])

        return self._turns(parts())

    def _counted(self, node: Node) -> Code:
        name, body = node.child_by_field_name("initializer"), node.child_by_field_name("body")
        if name is not None:
            self.state.variables[node_text(name).partition("=")[0]] = unknown(_first_line(node))
        if node.child_by_field_name("condition") is None:  # it ends by a break alone
            return self._turns(repeat(lambda: self._one(body) if body else 0))
        self._either(node, f"how often `{_first_line(node)}`", [lambda: self._one(body) if body else 0, lambda: 0])
        return 0

    def _turns(self, parts: Iterable[Part]) -> Code:
        """Follow the turns of a loop."""
        before = self.state.uncertain
        for turn, part in enumerate(parts, 1):
            check_size("turns of a loop", turn, MOST_TURNS)
            try:
                part()
            except (Break, Continue) as left:
                if left.levels > 1:
                    left.levels -= 1
                    raise
                if isinstance(left, Break):
                    break
            finally:
                self.state.uncertain = before
        return 0
