"""Small programs that print: what they print of what they are given. Pure, or reading the job's own files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from release.sandbox.simulation.shell.limits import MOST_WORDS, check_size, expression
from release.sandbox.simulation.shell.state import State
from release.sandbox.simulation.unknown import is_known, unknown

Output = str | None  # nothing where it cannot be told
Filter = Callable[[list[str], str, State], Output]
_RANGES = {
    "[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "[:lower:]": "abcdefghijklmnopqrstuvwxyz",
    "[:digit:]": "0123456789",
}
_RANGES |= {"[:space:]": " \t\n\r", "A-Z": _RANGES["[:upper:]"], "a-z": _RANGES["[:lower:]"], "0-9": "0123456789"}
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "a": "", "e": ""}


def unescape(text: str) -> str:
    """Read the escapes that `printf` and `echo -e` know."""
    return re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found.group()), text)


def _echo(words: list[str], given: str, state: State) -> Output:
    end, escapes = "\n", False
    while words and re.fullmatch("-[neE]+", words[0]):
        end, escapes = "" if "n" in words[0] else end, escapes or "e" in words[0]
        words = words[1:]
    text = " ".join(words)
    return (unescape(text) if escapes else text) + end


def _printf(words: list[str], given: str, state: State) -> Output:
    words = [word for at, word in enumerate(words) if not (at == 0 and word == "--")]
    if not words or words[0].startswith("-"):
        return None
    template, values = unescape(words[0]), words[1:]
    size = len(re.findall(r"%[-0-9.]*[sdiq]", template))
    found = ""
    for at in range(0, max(len(values), 1), size or max(len(values), 1)):
        part = iter(values[at : at + size])
        found += re.sub(r"%[-0-9.]*[sdiq]", lambda _, part=part: next(part, ""), template)  # type: ignore[misc]
    return found.replace("%%", "%")


def _basename(words: list[str], given: str, state: State) -> Output:
    names = [word for word in words if not word.startswith("-")]
    if not names or not is_known(names[0]):
        return None
    suffix = names[1] if len(names) > 1 and "-a" not in words else ""
    shown = names if "-a" in words else names[:1]
    return "".join(f"{PurePosixPath(name).name.removesuffix(suffix)}\n" for name in shown)


def _dirname(words: list[str], given: str, state: State) -> Output:
    return f"{PurePosixPath(words[0]).parent}\n" if words and is_known(words[0]) else None


def _text(words: Sequence[str], given: str, state: State) -> Output:
    """Join the files that words name, or take what is given."""
    names = [word for word in words if not word.startswith("-") or word == "-"]
    if not names:
        return given
    texts = [given if name == "-" else state.files.read(state.folder, name) for name in names]
    return None if None in texts else "".join(filter(None, texts))


def _cat(words: list[str], given: str, state: State) -> Output:
    return _text(words, given, state)


def _ls(words: list[str], given: str, state: State) -> Output:
    names = [word for word in words if not word.startswith("-")]
    found = [each for name in names or ["*"] for each in _listed(name, state)]
    return "".join(f"{name}\n" for name in found) if found else None


def _listed(name: str, state: State) -> list[str]:
    inner = state.files.paths(state.folder, f"{name.rstrip('/')}/*") or state.files.paths(state.folder, name)
    named_folder = inner and inner != [name] and "*" not in name
    return [PurePosixPath(each).name for each in inner] if named_folder else inner


def _pwd(words: list[str], given: str, state: State) -> Output:
    return f"{state.files.workspace / state.folder}\n"


def _lines(words: list[str], given: str, state: State, last: bool) -> Output:
    size, files = 10, []
    for before, word in pairwise(["", *words]):
        if found := re.fullmatch(r"-n?(\d+)|--lines=(\d+)", word):
            size = int(found[1] or found[2])
        elif before == "-n" and word.isdecimal():
            size = int(word)
        elif word != "-n":
            files.append(word)
    text = _text(files, given, state)
    lines = (text or "").splitlines(keepends=True)
    return None if text is None else "".join(lines[-size:] if last else lines[:size])


def _head(words: list[str], given: str, state: State) -> Output:
    return _lines(words, given, state, last=False)


def _tail(words: list[str], given: str, state: State) -> Output:
    return _lines(words, given, state, last=True)


def _sort(words: list[str], given: str, state: State) -> Output:
    flags = {letter for word in words if word.startswith("-") for letter in word[1:]}
    text = _text(words, given, state)
    if text is None or flags - set("ru"):
        return None
    lines = text.splitlines()
    return "".join(f"{line}\n" for line in sorted(set(lines) if "u" in flags else lines, reverse="r" in flags))


def _cut(words: list[str], given: str, state: State) -> Output:
    joined = " ".join(words)
    mark, at = re.search(r"-d ?(\S)", joined), re.search(r"-f ?(\d+)(-?)(?!\S)", joined)
    if not mark or not at or not is_known(given):
        return None
    first, last = int(at[1]) - 1, None if at[2] else int(at[1])
    rows = [(line, line.split(mark[1])) for line in given.splitlines()]
    return "".join((line if len(row) == 1 else mark[1].join(row[first:last])) + "\n" for line, row in rows)


def _tr(words: list[str], given: str, state: State) -> Output:
    deletes = words[:1] == ["-d"]
    sets = [_characters(word) for word in words if word != "-d"]
    if not is_known(given) or any(word.startswith("-") for word in words[deletes:]) or None in sets:
        return None
    match [each or "" for each in sets]:
        case [old] if deletes:
            return given.translate(str.maketrans("", "", old))
        case [old, new] if new and not deletes:
            return given.translate(str.maketrans(old, new.ljust(len(old), new[-1])[: len(old)]))
    return None


def _characters(text: str) -> str | None:
    for name, letters in _RANGES.items():
        text = text.replace(name, letters)
    return None if re.search(r"\w-\w", text) and len(text) > 3 and "-" in text[1:-1] else unescape(text)


def _sed(words: list[str], given: str, state: State) -> Output:
    scripts = [word for word in words if not word.startswith("-")]
    flags = {word for word in words if word.startswith("-")}
    if not scripts or flags - {"-e", "-E", "-r"} or not is_known(given):
        return None
    text = _text(scripts[1:], given, state)
    for part in scripts[0].split(";"):
        text = None if text is None else _substituted(text, part.strip(), extended=bool(flags & {"-E", "-r"}))
    return text


def _substituted(text: str, script: str, extended: bool) -> Output:
    found = re.fullmatch(r"s(?P<m>[/|#,:@!])(?P<old>.*?)(?P=m)(?P<new>.*?)(?P=m)(?P<flags>g?)", script)
    if not found:
        return None
    old = found["old"]
    if not extended:  # a basic expression quotes the other way round
        old = re.sub(r"(\\?)([(){}+?|])", lambda each: each[2] if each[1] else f"\\{each[2]}", old)
    new = re.sub(r"\\(\d)|&", lambda each: rf"\g<{each[1] or 0}>", found["new"])
    if (searched := expression(old)) is None:
        return None
    try:
        lines = [searched.sub(new, line, count=0 if found["flags"] else 1) for line in text.splitlines()]
    except (re.error, IndexError):
        return None
    return "".join(f"{line}\n" for line in lines)


def _seq(words: list[str], given: str, state: State) -> Output:
    if not words or not all(word.isdecimal() for word in words) or len(words) > 2:
        return None
    first, last = (1, int(words[0])) if len(words) == 1 else (int(words[0]), int(words[1]))
    check_size("words", last - first, MOST_WORDS)
    return "".join(f"{each}\n" for each in range(first, last + 1))


FILTERS: dict[str, Filter] = {
    "basename": _basename,
    "cat": _cat,
    "cut": _cut,
    "dirname": _dirname,
    "echo": _echo,
    "head": _head,
    "ls": _ls,
    "printf": _printf,
    "pwd": _pwd,
    "sed": _sed,
    "seq": _seq,
    "sort": _sort,
    "tail": _tail,
    "tr": _tr,
}


def filter_output(words: Sequence[str], given: str, state: State) -> str:
    """Return what a program of `FILTERS` prints, or an unknown text."""
    try:
        found = FILTERS[words[0]](list(words[1:]), given, state)
    except re.error:
        found = None
    return unknown(" ".join(words)) if found is None else found
