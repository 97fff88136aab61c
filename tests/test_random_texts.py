"""Versions and config.py against texts that nobody thought of: a few by default, 10,000 each among the faults."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from release.config_py import constant, replace_constant
from release.errors import Usage
from release.versions import MAX_VERSION, nearest, parse

# semver.org's own expression, as it is published there.
SEMVER = re.compile(
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
    r"(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$",
    re.ASCII,
)
MANY = [pytest.param(60, id="few"), pytest.param(10_000, id="all", marks=pytest.mark.faults)]
near_versions = st.text("0123456789.-+avrc \n٠０\x00", max_size=20) | st.from_regex(SEMVER)
texts = st.text(max_size=80) | near_versions | st.tuples(near_versions, st.text(max_size=3)).map("".join)

WORDS = ["X", "Y", "=", '"1"', "'0.6.0'", '"', "'", "\\", "#", "\n", "\r\n", "\r", "\x0c", " ", ":", "str", "(", ")",
         "del X", "if a:", "f", "r", "b", '"""', ";", "é", "\u2028", "import X", "for X in a: pass",
         "X = '2'\n"]  # fmt: skip
sources = st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=25).map("".join)
likely = st.tuples(sources, st.sampled_from(["\n", "\r\n"]), st.sampled_from(['"{}"', "'{}'", 'r"{}"']), sources).map(
    lambda parts: f"{parts[0]}{parts[1]}X = {parts[2].format('0.6.0')}{parts[1]}{parts[3]}"
)


def _settled(count: int) -> settings:
    kinds = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=kinds)


@pytest.mark.parametrize("count", MANY)
def test_s07_any_text_is_read_as_semver_reads_it(count: int) -> None:
    @_settled(count)
    @given(texts)
    @example("0.7.0\n")
    @example("٠.٧.٠")
    def holds(text: str) -> None:
        right = bool(SEMVER.match(text)) and not text.endswith("\n") and len(text) <= MAX_VERSION
        if right:
            assert str(parse(text)) == text
        else:
            with pytest.raises(Usage) as refused:
                parse(text)
            assert refused.value.problem.isascii()
            assert refused.value.problem.isprintable()
        assert nearest(text) is None or SEMVER.match(str(nearest(text)))

    holds()


@pytest.mark.parametrize("count", MANY)
def test_s06_any_file_keeps_all_but_the_one_literal(count: int) -> None:
    """What Python itself reads there decides; a file of which that cannot be told is refused, never half changed."""

    @_settled(count)
    @given(sources | likely, st.sampled_from(["0.7.0", "0.7.0-rc.1", "1", ""]))
    def holds(text: str, value: str) -> None:
        source = text.encode("utf-8", "surrogatepass")
        try:
            before = constant(source, "X")
            after = replace_constant(source, "X", value)
        except Usage:
            return
        assert value_of(after) == constant(after, "X") == value
        assert replace_constant(after, "X", before) == source or "\\" in text
        assert len(after) - len(source) == len(value) - len(before) or "\\" in text

    holds()


def value_of(source: bytes) -> object:
    """Return what the module's X is in the end, read by Python's own parser."""
    bound = [node for node in ast.parse(source).body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value]
    names = [(ast.unparse(getattr(node, "target", None) or node.targets[0]), node.value) for node in bound]  # type: ignore[union-attr]
    return ast.literal_eval(next(value for name, value in names if name == "X"))  # type: ignore[arg-type]
