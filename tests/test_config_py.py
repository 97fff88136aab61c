from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.config_py import constant, replace_constant
from release.errors import Usage

NAME = "BASE_IMAGE_VERSION"
AROUND = '''"""The config: BASE_IMAGE_VERSION = "0.6.0" is set below."""
# BASE_IMAGE_VERSION = "0.6.0"
import os  # ünïcödé
OLD_BASE_IMAGE_VERSION = "0.6.0"
BASE_IMAGE_VERSION_2 = "0.6.0"
BASE_IMAGE = f"lepton:{BASE_IMAGE_VERSION if 0 else 'BASE_IMAGE_VERSION = 1'}"
BASE_IMAGE_VERSION = "0.6.0"  # BASE_IMAGE_VERSION = "0.6.0"
os.environ["BASE_IMAGE_VERSION"] = "0.6.0"
x.BASE_IMAGE_VERSION = BASE_IMAGE_VERSION == "0.6.0"
def f(BASE_IMAGE_VERSION="0.6.0"):
    BASE_IMAGE_VERSION = "0.6.0"
    return lambda BASE_IMAGE_VERSION: 1
class C:
    BASE_IMAGE_VERSION = "0.6.0"
'''  # fmt: skip


def changed(source: str, expected: str, value: str = "0.7.0") -> None:
    assert replace_constant(source.encode(), NAME, value) == expected.encode()
    assert constant(expected.encode(), NAME) == value


def test_s06_one_literal_changes_and_every_other_byte_stays() -> None:
    old, new = '\nBASE_IMAGE_VERSION = "0.6.0"', '\nBASE_IMAGE_VERSION = "0.7.0"'
    assert constant(AROUND.encode(), NAME) == "0.6.0"
    head, _, tail = AROUND.partition(old)
    changed(AROUND, head + new + tail)
    changed(AROUND.replace("\n", "\r\n"), (head + new + tail).replace("\n", "\r\n"))


def test_s06_the_file_is_never_run() -> None:
    source = b'raise SystemExit("it ran")\nX = "1"\n'
    assert replace_constant(source, "X", "2") == source.replace(b'"1"', b'"2"')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("X='{}'", ""),
        ('X = "{}"', "  # the end\n"),
        ('X: str = "{}"', "\n"),
        ('X: str\nX = "{}"', "\n"),
        ('X: "Final[str]" = ("{}")', "\n"),
        ("X = (\n    # why\n    '''{}'''\n)", "\n"),
        ("X = \\\n  r'{}'", "\n"),
        ('é = "ü"; X = u"{}"; y = "0.6.0"', "\n"),
        ('a = "\\d"\n\x0c\nX = "{}"', "\n"),
        ('a = "\x0b\x1c\u2028"\nX = "{}"', "\n"),
        ('a = 1\rX = "{}"\rb = 2', "\r"),
        ('match a:\n    case "X":\n        pass\nX = "{}"', "\n"),
        ('from a import X as Y\nX = "{}"', "\n"),
        ('del Y\nX = "{}"', ""),
        (f"a = b{' + b' * 500}\nX = '{{}}'", "\n"),
    ],
)
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_s06_quotes_annotations_and_line_ends_stay(before: str, after: str, mark: bytes) -> None:
    source, expected = (mark + (before.replace("{}", value) + after).encode() for value in ("0.6.0", "0.7.0-rc.1"))
    assert constant(source, "X") == "0.6.0"
    assert replace_constant(source, "X", "0.7.0-rc.1") == expected


def test_an_encoding_cookie_is_respected() -> None:
    source = '# -*- coding: latin-1 -*-\né = "ÿ"; X = "0.6.0"\n'.encode("latin-1")
    assert replace_constant(source, "X", "0.7.0") == source.replace(b"0.6.0", b"0.7.0")


@pytest.mark.parametrize("source", [b'X = "0.7.0"', b"X = '0.\\x37.0'\n", b'X = """0.7.0"""\r\n'])
def test_setting_the_value_it_has_changes_nothing(source: bytes) -> None:
    assert replace_constant(source, "X", "0.7.0") == source


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("a = 1\n", 0),
        ("", 0),
        ("# X = '1'\n", 0),
        ("X: str\n", 0),
        ("def f():\n    X = '1'\n", 0),
        ("X = '1'\nX = '2'\n", 2),
        ("X = '1'\nif a:\n    X = '2'\n", 3),
        ("try:\n    X = '1'\nexcept E:\n    X = '2'\n", 4),
        ("X = '1'\nX += '2'\n", 2),
        ("X = '1'\ndel X\n", 2),
        ("X = '1'\ndef f():\n    def g():\n        global X\n        X = '2'\n", 4),
        ("X = '1'\nfrom a import X\n", 2),
        ("X = '1'\nimport X.y\n", 2),
        ("X = '1'\nfrom a import b as X\n", 2),
        ("X = '1'\nfor X in a: pass\n", 2),
        ("X = '1'\nwith a as X: pass\n", 2),
        ("X = '1'\nprint(X := '2')\n", 2),
        ("X = '1'\ndef X(): pass\n", 2),
        ("X = '1'\nclass X: pass\n", 2),
        ("X = '1'\ntry: pass\nexcept E as X: pass\n", 3),
        ("X = '1'\nmatch a:\n    case {**X}: pass\n", 3),
        ("\nif a:\n    X = '1'\n", 3),
        ("\nX = f'{a}'\n", 2),
        ("\nX = f'1'\n", 2),
        ("\nX = b'1'\n", 2),
        ("\nX = 1\n", 2),
        ("\nX = None\n", 2),
        ("\nX = 'a' + 'b'\n", 2),
        ("\nX = 'a' 'b'\n", 2),
        ("\nX = ('a'\n'b')\n", 2),
        ("\nX = '''a''' '''b'''\n", 2),
        ("\nX = Y = '1'\n", 2),
        ("\nX, Y = '1', '2'\n", 2),
        ("\nX = ''.join(a)\n", 2),
        ("\nX = '1'.strip()\n", 2),
        ("a = 1\nX = (\n", 2),
        ("\n  X = '1'\n", 2),
        ("X = '1'\x00\n", 1),
    ],
)
def test_missing_doubled_or_computed_is_refused_with_file_and_line(source: str, line: int) -> None:
    with pytest.raises(Usage) as refused:
        constant(source.encode(), "X", "sdk/config.py")
    assert refused.value.problem.startswith(f"sdk/config.py:{line}:" if line else "sdk/config.py: ")
    assert refused.value.hint
    with pytest.raises(Usage) as again:
        replace_constant(source.encode(), "X", "2", "sdk/config.py")
    assert again.value.message == refused.value.message


@pytest.mark.parametrize(
    "source",
    [
        b"X = '\xff'",
        b"# coding: rot13\nX = '1'",
        b"# coding: nonsense\nX = '1'",
        b"# coding: utf-7\nX = '+AGE-'",
        b"(" * 9999,
        b"-" * 9999 + b"1",
    ],
)
def test_a_file_that_is_no_python_text_is_refused(source: bytes) -> None:
    with pytest.raises(Usage, match=r"config\.py"):
        replace_constant(source, "X", "2")


@pytest.mark.parametrize("value", ['0.7.0"', "0.7.0'", "0.7.0\\", "0.7.0\n", "0.7.0ü", "\x00", '"; import os; "'])
def test_a_value_that_needs_an_escape_is_refused(value: str) -> None:
    with pytest.raises(Usage):
        replace_constant(b"X = '1'", "X", value)


comments = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00"), max_size=20)


@given(
    comments, comments, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["'{}'", '"{}"', "'''{}'''", 'r"{}"'])
)
def test_a_constant_is_read_back_between_any_comments(above: str, beside: str, end: str, quotes: str) -> None:
    template = f"#{above}{end}é = {beside!r}; X = {quotes} #{beside}{end}# X = {end}"
    old, new = (codecs.BOM_UTF8 + template.replace("{}", value, 1).encode() for value in ("0.6.0", "0.7.0"))
    if "{}" not in above + beside and "coding" not in above:
        assert constant(old, "X") == "0.6.0"
        assert replace_constant(old, "X", "0.7.0") == new
        assert replace_constant(new, "X", "0.6.0") == old


SAID = {
    "unset": (
        b"",
        "c.py: X is not set",
        'add X = "…" to c.py, or set image.config_variable',
    ),
    "twice": (b'X = "1"\n\nX = "2"\n', "c.py:3: X is set again, first in line 1", "leave one of them"),
    "other": (b"\nX = 1\n", "c.py:2: X is not set to one plain string", 'write X = "…" there'),
    "parts": (b'X = "1" "2"\n', "c.py:1: X is not set to one plain string", 'write X = "…" there'),
    "syntax": (
        b"a = 1\nb = (\n", "c.py:2: not Python that this version reads: '(' was never closed (<unknown>, line 2)",
        "repair c.py",
    ),
    "bytes": (
        b"# coding: utf-7\nX = '+-'\n\xff", "c.py: not the text of a Python file: ", "save c.py as UTF-8",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_a_refusal_names_file_and_line_and_says_what_to_write(case: str) -> None:
    source, problem, hint = SAID[case]
    for read in (lambda: constant(source, "X", "c.py"), lambda: replace_constant(source, "X", "3", "c.py")):
        with pytest.raises(Usage) as refused:
            read()
        assert refused.value.problem.startswith(problem)
        assert case == "bytes" or refused.value.problem == problem
        assert refused.value.hint == hint


def test_a_value_that_no_literal_holds_is_said_with_its_place() -> None:
    with pytest.raises(Usage) as refused:
        replace_constant(b'\nX = "1"\n', "X", "a\nb", "c.py")
    assert refused.value.problem == "c.py:2: X cannot be set to 'a\\nb'"
    assert refused.value.hint == "give plain ASCII text"
    with pytest.raises(Usage, match=r"\bconfig\.py: X is not set"):
        constant(b"", "X")
