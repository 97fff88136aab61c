"""The package is read, never imported; what cannot be read is never compatible."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from release.compat.interfaces import compare
from release.compat.verdicts import Verdict
from release.settings import Component

SDK = Component("sdk", "sdk", "python", "sdk/pkg")


def package(text: str, **others: str) -> dict[str, bytes]:
    return {"sdk/pkg/__init__.py": text.encode(), **{f"sdk/pkg/{name}.py": it.encode() for name, it in others.items()}}


def test_nothing_of_the_package_runs(tmp_path: Path) -> None:
    left = tmp_path / "left"
    trap = package(f"import pathlib\npathlib.Path({str(left)!r}).write_text('ran')\n")
    assert compare(SDK, trap, trap).verdict is Verdict.COMPATIBLE
    assert not left.exists()
    assert "pkg" not in sys.modules


def test_the_package_compared_is_never_an_installed_one() -> None:
    component = Component("sdk", "sdk", "python", "sdk/yaml")
    found = compare(component, {"sdk/yaml/__init__.py": b"X = 1\n"}, {"sdk/other.py": b"X = 1\n"})
    assert found.verdict is Verdict.UNDECIDED


def test_a_change_has_its_file_and_line_now() -> None:
    before = package("", api="import os\n\ndef run(name): ...\n")
    after = package("", api="import os\n\n\n\ndef run(name, image): ...\n")
    change = compare(SDK, before, after).changes[0]
    assert (change.file, change.line, change.gone) == ("sdk/pkg/api.py", 5, False)
    assert "pkg.api.run" in change.what


def test_what_is_gone_has_the_file_and_line_it_had() -> None:
    change = compare(SDK, package("", api="\n\ndef run(): ...\n"), package("", api="")).changes[0]
    assert (change.file, change.line, change.gone) == ("sdk/pkg/api.py", 3, True)


def test_a_file_in_another_encoding_is_undecided() -> None:
    latin = package("", api="")
    latin["sdk/pkg/api.py"] = "# coding: latin-1\nX = 'é'\n".encode("latin-1")
    found = compare(SDK, latin, package("", api="X = 'e'\n"))
    assert (found.verdict, "did not load api.py" in found.why) == (Verdict.UNDECIDED, True)


def test_a_file_that_exhausts_the_parser_is_undecided() -> None:
    deep = package("x = " + "(" * 5000 + ")" * 5000 + "\n")
    assert compare(SDK, deep, deep).verdict is Verdict.UNDECIDED


def test_a_compiled_module_with_a_stub_is_compared_by_it() -> None:
    before = {**package(""), "sdk/pkg/fast.pyx": b"", "sdk/pkg/fast.pyi": b"def run(a: int) -> int: ...\n"}
    after = {**before, "sdk/pkg/fast.pyi": b"def run(a: int, b: int) -> int: ...\n"}
    assert compare(SDK, before, before).verdict is Verdict.COMPATIBLE
    assert compare(SDK, before, after).verdict is Verdict.INCOMPATIBLE


def test_a_module_that_shadows_a_name_is_not_lost() -> None:
    before = package("from .photon import photon\n", photon="def photon(): ...\n")
    after = package("from .photon import photon\n", photon="def photon(name): ...\n")
    assert compare(SDK, before, after).verdict is not Verdict.COMPATIBLE


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("def f(a, /): ...", "def f(b, /): ...", Verdict.COMPATIBLE),
        ("def f(a): ...", "def f(*args, **kwargs): ...", Verdict.COMPATIBLE),
        ("def f(*, a): ...", "def f(**kwargs): ...", Verdict.COMPATIBLE),
        ("def f(a): ...", "def f(a=None): ...", Verdict.COMPATIBLE),
        ("def f(*, a): ...", "def f(a): ...", Verdict.COMPATIBLE),
        ("def f(**k): ...", "def f(a=1, **k): ...", Verdict.COMPATIBLE),
        ("def f(a=1): ...", "def f(a): ...", Verdict.INCOMPATIBLE),
        ("def f(a): ...", "def f(a, /): ...", Verdict.INCOMPATIBLE),
        ("def f(a, /): ...", "def f(*, a): ...", Verdict.INCOMPATIBLE),
        ("def f(*a): ...", "def f(): ...", Verdict.INCOMPATIBLE),
        ("def f(*a): ...", "def f(b=1, *a): ...", Verdict.INCOMPATIBLE),
        ("def f(**a): ...", "def f(): ...", Verdict.INCOMPATIBLE),
        ("def f(a, b=1): ...", "def f(a, c=2, b=1): ...", Verdict.INCOMPATIBLE),
        ("class A:\n def f(self): ...", "class A:\n def f(this): ...", Verdict.COMPATIBLE),
        (
            "class A:\n @staticmethod\n def f(a): ...",
            "class A:\n @classmethod\n def f(cls, a): ...",
            Verdict.COMPATIBLE,
        ),
        ("class A:\n @classmethod\n def f(cls): ...", "class A:\n def f(self): ...", Verdict.INCOMPATIBLE),
        ("class A:\n x = 1", "class A:\n @property\n def x(self): ...", Verdict.INCOMPATIBLE),
        ("class A:\n def __eq__(self, o): ...", "class A: ...", Verdict.COMPATIBLE),
        ("class A:\n def __init__(self, a): ...", "class A:\n def __init__(self, a, b=1): ...", Verdict.COMPATIBLE),
        (
            "class A:\n def f(self): ...",
            "import abc\nclass A:\n def f(self): ...\n @abc.abstractmethod\n def g(self): ...",
            Verdict.UNDECIDED,
        ),
        (
            "import typing as t\n@t.overload\ndef f(a: int) -> int: ...\n@t.overload\ndef f(a: str) -> str: ...\n"
            "def f(a): ...",
            "import typing as t\n@t.overload\ndef f(a: int) -> int: ...\ndef f(a): ...",
            Verdict.UNDECIDED,
        ),
        ("X = 1", "X = 'a'", Verdict.INCOMPATIBLE),
        ("X: int = 1", "X: bool = True", Verdict.COMPATIBLE),
        ("def f() -> int: ...", "def f(): ...", Verdict.UNDECIDED),
        ("def f(): ...", "def f() -> int: ...", Verdict.COMPATIBLE),
        ("from a import X\n__all__ = ['X']", "from b import X\n__all__ = ['X']", Verdict.UNDECIDED),
        ("from a import X\n__all__ = ['X']", "from a import X, Y\n__all__ = ['X']", Verdict.COMPATIBLE),
        ("def f(): ...\n__all__ = ['f']", "def f(): ...\n__all__ = ['g']\ng = 1", Verdict.UNDECIDED),
        ("import os", "", Verdict.COMPATIBLE),
        ("class A(B): ...\nclass B(A): ...", "class A(B): ...\nclass B(A): ...", Verdict.UNDECIDED),
    ],
)
def test_small_pairs(before: str, after: str, verdict: Verdict) -> None:
    found = compare(SDK, package(before + "\n"), package(after + "\n"))
    assert found.verdict is verdict, found


STUB = (
    "import typing\n@typing.overload\ndef field(a: int) -> int: ...\n@typing.overload\ndef field(a: str) -> str: ...\n"
)


def test_what_griffe_cannot_read_is_undecided_and_named_without_a_temporary_path() -> None:
    """13-3: stubs with overloads of an import from another package end griffe's reading."""
    files = {"sdk/pkg/__init__.py": b"from other import field\n", "sdk/pkg/__init__.pyi": STUB.encode()}
    found = compare(SDK, files, files)
    assert found.verdict is Verdict.UNDECIDED
    assert ("griffe cannot read sdk/pkg" in found.why, "/tmp" in found.why, "failed" in found.why) == (
        True,
        False,
        False,
    )


def test_griffes_warnings_do_not_reach_people_and_what_they_leave_out_is_undecided(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """13-3: an expression that griffe leaves out may have changed."""
    text = "import sys, typing\nif sys:\n from .gone import f\nelse:\n def f(a: typing.Optional[int]): ...\n"
    before, after = package("", api=text), package("", api=text.replace("int", "str"))
    assert compare(SDK, before, before).verdict is Verdict.COMPATIBLE
    found = compare(SDK, before, after)
    assert (found.verdict, caplog.text, *capfd.readouterr()) == (Verdict.UNDECIDED, "", "", "")
    assert {change.file for change in found.changes} == {"sdk/pkg/api.py"}


def test_what_has_many_names_is_compared_once() -> None:
    """13-10: a walk by names alone doubles with each module here."""
    text = "from . import m{0} as a, m{0} as b\n__all__ = ['a', 'b']\n"
    modules = {f"m{number}": text.format(number + 1) for number in range(10)}
    before, after = (package("", **modules, m10=f"def f({taken}): ...\n") for taken in ("x", ""))
    assert len(compare(SDK, before, after).changes) == 1
