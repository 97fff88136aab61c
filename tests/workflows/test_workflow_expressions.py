"""GitHub's expressions, as its documentation and its runner define them."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.workflows.expressions import (
    HASH_FILES,
    STATUS,
    Partial,
    Undecided,
    Unsupported,
    condition,
    evaluate,
    interpolate,
)

CONTEXT: dict[str, Any] = {
    "github": {"ref": "refs/tags/0.7.0", "event": {"commits": [{"author": {"name": "a"}}, {"author": {"name": "b"}}]}},
    "inputs": {"publish": True, "version": "0.7.0", "is-release": False},
    "needs": {"build": {"result": "success", "outputs": {"wheel": "a.whl"}}, "lint": {"result": "skipped"}},
    "matrix": {"python": "3.10"},
    "env": {},
    STATUS: "success",
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("true", True),
        ("-42", -42),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5e3", 1500),
        (".5", 0.5),
        ("'it''s'", "it's"),
        ("'}}'", "}}"),
        ("inputs.version", "0.7.0"),
        ("inputs.VERSION", "0.7.0"),
        ("inputs['is-release']", False),
        ("inputs.is-release", False),
        ("github.event.commits[1].author.name", "b"),
        ("github.event.commits[7].author.name", None),
        ("github.event.commits.*.author.name", ["a", "b"]),
        ("needs.*.result", ["success", "skipped"]),
        ("github.no.such.thing", None),
        ("'A' == 'a'", True),
        ("'1' == 1", True),
        ("'' == 0", True),
        ("null == false", True),
        ("'a' == 0", False),
        ("NaN == NaN", False),
        ("'0x10' == 16", True),
        ("github == github", True),
        ("fromJSON('[1]') == fromJSON('[1]')", False),
        ("1 < 2 && 'b' > 'A'", True),
        ("2 <= 2 && 3 >= 4", False),
        ("'x' && 'y'", "y"),
        ("'' || 'z'", "z"),
        ("inputs.publish && 'yes' || 'no'", "yes"),
        ("!inputs.publish", False),
        ("!(1 == 2) && !!true", True),
        ("1 == 1 == true", True),
        ("contains('Hello', 'ell')", True),
        ("contains('Hello', 'ELL')", True),
        ("contains(fromJSON('[\"a\", \"b\"]'), 'B')", True),
        ("contains(needs.*.result, 'failure')", False),
        ("startsWith(github.ref, 'REFS/tags/')", True),
        ("endsWith(github.ref, '.0')", True),
        ("format('{0} {{1}} {1}', 'a', 2)", "a {1} 2"),
        ("join(needs.*.result, '+')", "success+skipped"),
        ("join('x')", "x"),
        ("fromJSON('{\"a\": [1, 2]}').a[1]", 2),
        ("toJSON(fromJSON('{\"a\":1}'))", '{\n  "a": 1\n}'),
        ("toJSON(fromJSON('[3, -0, 0.1, {}, []]'))", "[\n  3,\n  0,\n  0.1,\n  {},\n  []\n]"),
        ("toJSON(1e19)", "1E+19"),
        ("format('{0} {1} {2}', -0, -Infinity, 1e19)", "0 -Infinity 1E+19"),
        ("' Infinity ' == +Infinity", True),
        ('fromJSON(\'{"a": [1, 2], "b": {"c": 3}, "d": 4}\').*.*', [1, 2, 3]),
        ('fromJSON(\'[{"a": null}, {"b": 1}]\').*.a', [None]),
        ("fromJSON('{\"Object\": 1}')[fromJSON('{}')]", None),
        ("join(fromJSON('{}'))", ""),
        ("join(fromJSON('[1, 2]'), fromJSON('[]'))", "1,2"),
        ("contains('Object', fromJSON('{}')) || startsWith(fromJSON('[]'), 'A')", False),
        ("endsWith('ς', 'Σ') && 'ı' != 'I' && !startsWith('İ', 'i')", True),
        ("case(false, 1, true, 2, secrets.unknown)", 2),
        ("case(false, secrets.unknown, 3)", 3),
        ("", None),
        ("success() && !failure() && !cancelled() && always()", True),
    ],
)
def test_evaluates(text: str, value: object) -> None:
    assert evaluate(text, CONTEXT) == value
    assert not text or evaluate("${{ " + text + " }}", CONTEXT) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hashFile('**/lock')", "no function hashfile"),
        ("false && nonExistent()", "no function nonexistent"),
        ("true || contains('a')", "does not take 1"),
        ("case(true, 1)", "does not take 2"),
        ("case(1, 2, 3)", "neither true nor false"),
        ("-0xFF", "is no number"),
        ("'a'.b", "unexpected"),
        ("TRUE", "unrecognized named-value: 'true'"),
        ("!" * 50 + "true", "deeper"),
        ("true || (" * 25 + "1" + ")" * 25, "deeper"),
        ("${{ }}", "unexpected"),
        ("contains('a')", "does not take 1"),
        ("secret.x", "unrecognized named-value: 'secret'"),
        ("1 +", "unexpected"),
        ("(1", "unexpected 'the end' instead of '\\)'"),
        ("a b", "unexpected 'b'"),
        ("''x", "unexpected"),
        ('"x"', "unexpected"),
        ("fromJSON('{')", "no JSON"),
        ("format('{1}', 1)", "no value"),
        ("a.1", "unexpected"),
        ("join(1,)", "unexpected '\\)' instead of a value"),
        ("join(1 2)", "unexpected '2'"),
        ("!" * 60 + "true", "deeper"),
        ("(" * 60 + "1" + ")" * 60, "deeper"),
        ("github" + ".a" * 60, "deeper"),
        ("1" * 30_000, "longer"),
    ],
)
def test_says_what_it_does_not_understand(text: str, said: str) -> None:
    with pytest.raises(Unsupported, match=said):
        evaluate(text, CONTEXT)


def test_unknown_contexts_are_undecided_not_empty() -> None:
    with pytest.raises(Undecided, match="secrets"):
        evaluate("secrets.TOKEN", CONTEXT)
    with pytest.raises(Undecided) as caught:
        evaluate("github.actor", {"github": Partial(ref="x")})
    assert caught.value.name == "github.actor"
    assert evaluate("github.ref", {"github": Partial(ref="x")}) == "x"


def test_interpolates() -> None:
    assert interpolate("v${{ inputs.version }}-${{matrix.python}} ${{ null }}!", CONTEXT) == "v0.7.0-3.10 !"
    assert (
        interpolate("${{ inputs }} ${{ needs.*.result }} ${{ 1.50 }} ${{ true }}", CONTEXT) == "Object Array 1.5 true"
    )
    assert interpolate("${{ '}}' }}", CONTEXT) == "}}"
    with pytest.raises(Unsupported, match="not closed"):
        interpolate("a ${{ inputs.version", CONTEXT)


@pytest.mark.parametrize(
    ("text", "status", "value"),
    [
        ("", "success", True),
        ("", "failure", False),
        ("inputs.publish", "success", True),
        ("inputs.publish", "failure", False),
        ("${{ inputs.publish }}", "skipped", False),
        ("always()", "cancelled", True),
        ("!cancelled() && inputs.publish", "failure", True),
        ("failure()", "failure", True),
        ("failure()", "skipped", False),
        ("contains(needs.*.result, 'skipped') && always()", "skipped", True),
        ("${{ inputs.is-release }} == 'x'", "success", True),  # a text that is not empty, as on GitHub
        ("false", "success", False),
    ],
)
def test_judges_an_if(text: str, status: str, value: bool) -> None:
    assert condition(text, {**CONTEXT, STATUS: status}) is value


def test_an_if_may_be_decided_without_everything() -> None:
    known = {"inputs": {"publish": False, "release": True}, STATUS: "success"}
    assert condition("vars.X == 'y' && inputs.publish", known) is False
    assert condition("vars.X == 'y' || inputs.release", known) is True
    assert condition("!(vars.X || inputs.release)", known) is False
    with pytest.raises(Undecided, match="vars"):
        condition("inputs.release && vars.X", known)
    with pytest.raises(Undecided, match="success"):
        condition("inputs.release", {"inputs": {"release": True}})
    assert condition("inputs.publish", {"inputs": {"publish": False}}) is False


_VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=True) | st.text(max_size=5)


@given(_VALUES, _VALUES)
def test_comparison_is_symmetric_and_total(left: Any, right: Any) -> None:
    context = {"inputs": {"left": left, "right": right}}
    assert evaluate("inputs.left == inputs.right", context) is evaluate("inputs.right == inputs.left", context)
    assert evaluate("inputs.left != inputs.right", context) is not evaluate("inputs.left == inputs.right", context)
    assert evaluate("inputs.left < inputs.right", context) is evaluate("inputs.right > inputs.left", context)


@given(st.text(max_size=40))
def test_no_text_crashes_it(text: str) -> None:
    with contextlib.suppress(Unsupported, Undecided):
        evaluate(text, {"inputs": {}})


@given(st.text(max_size=20))
def test_a_string_is_itself(text: str) -> None:
    assert evaluate("'" + text.replace("'", "''") + "'", {}) == text
    assert interpolate("<${{ '" + text.replace("'", "''") + "' }}>", {}) == f"<{text}>"


@pytest.mark.parametrize("text", ["9" * 5000, "0x" + "f" * 5000, "-" + "1" * 400, "'0x" + "f" * 5000 + "' == 1"])
def test_numbers_too_large_crash_nothing(text: str) -> None:
    assert interpolate("${{ " + text + " }}", {})


def test_json_too_deep_is_refused() -> None:
    with pytest.raises(Unsupported, match="fromJSON"):
        evaluate("fromJSON(inputs.deep)", {"inputs": {"deep": "[" * 200_000}})


def test_nan_is_written_as_github_does() -> None:
    assert interpolate("${{ NaN }} ${{ Infinity }}", {}) == "NaN Infinity"
    assert math.isnan(evaluate("NaN", {}))


def test_what_files_hash_to_is_known_on_their_machine_alone() -> None:
    assert evaluate("hashFiles('a', 'b')", {HASH_FILES: "+".join}) == "a+b"
    with pytest.raises(Undecided, match="hashFiles"):
        evaluate("hashFiles('a')", CONTEXT)


@pytest.mark.parametrize("text", ["${{ }}", "${{ true", "a ${{"])
def test_an_expression_that_is_empty_or_not_closed_is_refused(text: str) -> None:
    for read in (interpolate, condition):
        with pytest.raises(Unsupported, match="empty or not closed"):
            read(text, CONTEXT)
