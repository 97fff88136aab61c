"""First releases, new components, crashes: each has its verdict, and none opens the gate by accident."""

from __future__ import annotations

import pytest

from release.compat.interfaces import Side, Tools, answer, compare, pairs
from release.compat.verdicts import Change, Comparison, Verdict, could_not_tell, verdict_on, worst_verdict
from release.settings import COMPONENTS, Component, components_of

ALL = frozenset({"backend", "web", "sdk"})
COMPONENTS = components_of(COMPONENTS)
SDK, BACKEND_FOR_SDK = pairs("sdk", COMPONENTS)
CODE = {"sdk/leptonai/__init__.py": b"def run(): ...\n"}


def side(name: str, files: dict[str, bytes] | None = None, components: frozenset[str] = ALL) -> Side:
    return Side(name, CODE if files is None else files, components)


def test_a_row_tells_both_sides() -> None:
    found = answer(SDK, side("0.7.0"), side("3f2a9c1"))
    assert (found.before, found.after, found.comparison.verdict) == ("0.7.0", "3f2a9c1", Verdict.COMPATIBLE)
    assert found.comparison.not_covered


def test_a_line_without_a_release_is_undecided_and_says_what_to_do() -> None:
    found = answer(SDK, None, side("3f2a9c1"))
    assert (found.before, found.comparison.verdict) == ("no release", Verdict.UNDECIDED)
    assert "coordinated release" in found.comparison.why


def test_a_new_component_breaks_nobody() -> None:
    old = side("0.7.0", {}, ALL - {"sdk"})
    assert answer(SDK, old, side("3f2a9c1")).comparison.verdict is Verdict.COMPATIBLE


def test_an_interface_that_is_missing_in_a_component_that_is_there_is_undecided() -> None:
    assert answer(SDK, side("0.7.0", {}), side("3f2a9c1")).comparison.verdict is Verdict.UNDECIDED


def test_a_component_that_is_gone_is_undecided() -> None:
    gone = side("3f2a9c1", {}, ALL - {"sdk"})
    for before in (side("0.7.0"), gone):
        assert answer(SDK, before, gone).comparison == could_not_tell("3f2a9c1 does not have sdk any more")


def test_a_consumed_component_that_was_never_released_is_undecided() -> None:
    found = answer(BACKEND_FOR_SDK, side("3f2a9c1"), side("0.7.0", {}, ALL - {"backend"}))
    assert found.comparison.verdict is Verdict.UNDECIDED
    assert "backend is new" in found.comparison.why


def test_a_client_that_was_never_released_holds_nothing_back() -> None:
    for_web = pairs("backend", COMPONENTS)[1]
    found = answer(for_web, side("0.7.0", {}, ALL - {"web"}), side("3f2a9c1", {}))
    assert (found.comparison.verdict, "web is new" in found.comparison.why) == (Verdict.COMPATIBLE, True)


def test_no_interface_is_said_and_kind_none_alone_blocks() -> None:
    web = pairs("web", COMPONENTS)[0]
    assert answer(web, side("0.7.0", {}), side("3f2a9c1", {})).comparison.verdict is Verdict.COMPATIBLE
    found = compare(Component("web", "web"), {}, {})
    assert (found.verdict, "has_interface" in found.why) == (Verdict.UNDECIDED, True)


def test_a_crash_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> Comparison:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr("release.compat.python.api.python_comparison", crash)
    found = compare(Component("sdk", "sdk", "python", "sdk/leptonai"), CODE, CODE, Tools())
    assert (found.verdict, "by accident" in found.why) == (Verdict.UNDECIDED, True)


def test_a_missing_griffe_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "griffe", None)
    found = compare(Component("sdk", "sdk", "python", "sdk/leptonai"), CODE, CODE)
    assert (found.verdict, "release-tasks[compat]" in found.why) == (Verdict.UNDECIDED, True)


def test_one_certain_change_outweighs_many_uncertain_ones() -> None:
    certain, unsure = Change("gone", "a.py", 3), Change("perhaps", "a.py", 1, certain=False)
    assert verdict_on([]).verdict is Verdict.COMPATIBLE
    assert verdict_on([unsure]).verdict is Verdict.UNDECIDED
    assert verdict_on([unsure, certain, certain]).changes == (certain, unsure)
    assert verdict_on([unsure, certain]).verdict is Verdict.INCOMPATIBLE


def test_the_worst_answer_counts_and_none_at_all_is_no_answer() -> None:
    good, bad, unsure = Verdict.COMPATIBLE, Verdict.INCOMPATIBLE, could_not_tell("why").verdict
    assert [worst_verdict(found) for found in ([good, good], [good, unsure], [unsure, bad], [])] == [
        good,
        unsure,
        bad,
        unsure,
    ]
