"""`[ … ]`, `[[ … ]]` and `test`: true, false, or not known."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from release.sandbox.simulation.shell.expansion import Expansion, node_text
from release.sandbox.simulation.shell.limits import expression
from release.sandbox.simulation.shell.words import matches, plain, quote
from release.sandbox.simulation.unknown import PART, can_be, is_known

if TYPE_CHECKING:
    from tree_sitter import Node

_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": operator.eq,
    "-ne": operator.ne,
    "-lt": operator.lt,
    "-le": operator.le,
    "-gt": operator.gt,
    "-ge": operator.ge,
}
_EQUAL = {"=": True, "==": True, "!=": False}


def both(left: bool | None, right: bool | None) -> bool | None:
    """Join two answers by "and": what is not known may not matter."""
    return False if False in (left, right) else None if None in (left, right) else True


def negated(answer: bool | None) -> bool | None:
    """Turn an answer round."""
    return None if answer is None else not answer


def test(node: Node, expansion: Expansion) -> bool | None:
    """Judge what stands in a test."""
    if node.type == "test_command" and re.search(r"\s-[ao]\s", node_text(node)):
        return test_words(_flat(node, expansion), expansion)  # the grammar does not know how these bind
    if node.type in ("test_command", "parenthesized_expression"):
        return _all(node, expansion)
    if node.type == "binary_expression":
        return _binary(node, expansion)
    if node.type == "unary_expression":
        sign, operand = node_text(node.children[0]), node.children[-1]
        return negated(test(operand, expansion)) if sign == "!" else _unary(sign, expansion.word(operand), expansion)
    if node.type == "negated_command":
        return negated(test(node.named_children[-1], expansion))
    return _filled(expansion.word(node))


def _flat(node: Node, expansion: Expansion) -> list[str]:
    """List the words of a test."""
    if node.type not in ("test_command", "binary_expression", "unary_expression"):
        return [expansion.word(node) if node.is_named and node.type != "test_operator" else node_text(node)]
    return [word for each in node.children for word in _flat(each, expansion) if word not in ("[", "]", "[[", "]]")]


def _all(node: Node, expansion: Expansion) -> bool | None:
    found: bool | None = True
    for child in node.named_children:
        found = both(found, test(child, expansion))
    return found if node.named_children else False


def _binary(node: Node, expansion: Expansion) -> bool | None:
    left, sign, right = (node.child_by_field_name(each) for each in ("left", "operator", "right"))
    if left is None or right is None:
        return None
    word = node_text(sign) if sign else ""
    if word in ("&&", "-a"):
        return both(test(left, expansion), test(right, expansion))
    if word in ("||", "-o"):
        return negated(both(negated(test(left, expansion)), negated(test(right, expansion))))
    doubled = node.parent is not None and _is_doubled(node)
    wanted = expansion.text(right) if doubled else quote(expansion.word(right))
    return compare(expansion.word(left), word, wanted)


def _is_doubled(node: Node) -> bool:
    above = node.parent
    while above is not None and above.type != "test_command":
        above = above.parent
    return above is not None and node_text(above.children[0]) == "[["


def compare(left: str, sign: str, right: str) -> bool | None:
    """Judge `left sign right`; the right side is a pattern of which the quoted parts mean themselves."""
    text = plain(right)
    if sign in _NUMBERS:
        return _numbers(left, sign, text)
    if sign == "=~":
        return _searched(left, text) if is_known(left + text) else None
    if sign in ("<", ">"):
        return ((left < text) if sign == "<" else (left > text)) if is_known(left + text) else None
    if sign not in _EQUAL:
        return None
    found = _equal(left, text, right)
    return found if _EQUAL[sign] else negated(found)


def _equal(left: str, text: str, pattern: str) -> bool | None:
    if is_known(left + text):
        return matches(left, pattern)
    if is_known(text) and text == plain(quote(text)) and not can_be(left, text) and not re.search(r"[*?\[]", text):
        return False
    return True if left == text and PART.sub("", left) else None


def _numbers(left: str, sign: str, right: str) -> bool | None:
    try:
        return _NUMBERS[sign](int(left), int(right))
    except ValueError:
        return None if not is_known(left + right) else False


def _searched(text: str, pattern: str) -> bool | None:
    searched = expression(pattern.replace("[[:digit:]]", "[0-9]").replace("[[:space:]]", r"\s"))
    return None if searched is None else searched.search(text) is not None


def _filled(text: str) -> bool | None:
    return True if PART.sub("", text) else None if text else False


def _unary(sign: str, word: str, expansion: Expansion) -> bool | None:
    state = expansion.state
    if sign in ("-n", "-z"):
        return _filled(word) if sign == "-n" else negated(_filled(word))
    if sign == "-v":
        return word in state.variables
    if sign in ("-f", "-d", "-e", "-s", "-r"):
        there = state.files.exists(state.folder, word)
        return None if there is False and state.opaque else there
    return None


def test_words(words: Sequence[str], expansion: Expansion) -> bool | None:
    """Judge the words of the command `test`."""
    for sign in ("-o", "-a"):
        if sign in words[1:-1]:
            at = words.index(sign)
            left, right = test_words(words[:at], expansion), test_words(words[at + 1 :], expansion)
            return both(left, right) if sign == "-a" else negated(both(negated(left), negated(right)))
    match list(words):
        case ["!", *rest]:
            return negated(test_words(rest, expansion))
        case [one, sign, other]:
            return compare(one, sign, quote(other))
        case [sign, word]:
            return _unary(sign, word, expansion)
    return _filled(words[0]) if len(words) == 1 else None if words else False
