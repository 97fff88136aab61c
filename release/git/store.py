"""Git's own store of objects, read through one process that stays open while a call reads."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from subprocess import Popen
from typing import IO, NamedTuple, cast

from release.errors import Failed, Usage
from release.git.failures import failure

COMMAND = ("-c", "core.warnAmbiguousRefs=false", "cat-file", "--batch")
_UNASKABLE = re.compile(r"[\n\0]|\r\Z")  # a line is a name, and Git takes the end of a line of either kind
ROOM = 4096  # bytes: so much waits in any pipe, whichever of the two is read first


class Stored(NamedTuple):
    """One object: its name, its type, and what is in it."""

    sha: str
    kind: str
    content: bytes


class Store:
    """Reads objects by any name that Git takes; its Git starts with the first and ends with the last who holds it."""

    def __init__(self, start: Callable[[IO[bytes]], Popen[bytes]]) -> None:
        """`start` is given the file for what Git says: where nobody reads, a pipe fills and Git stops in the middle."""
        self._start, self._reading = start, threading.Lock()
        self._git: tuple[Popen[bytes], IO[bytes]] | None = None  # not while it answers

    def read(self, names: Sequence[str]) -> list[Stored | None]:
        """Return what each name (`sha:path`, `tag^{commit}` …) stands for, None for nothing; raises as Git does.

        Raises Usage for a name that is more than a line: every later answer would be another's.
        """
        if wrong := next(filter(_UNASKABLE.search, names), None):
            raise Usage(f"{wrong!r} names nothing that can be released", "Give the file a name of one line.")
        with self._reading:
            return [each for portion in _portions(names) for each in self._answers(portion)]

    def contents(self, names: Sequence[str]) -> list[bytes]:
        """Return what is in each object; raise Failed for one that is not here."""
        found = self.read(names)
        missing = next((name for name, each in zip(names, found, strict=True) if each is None), "")
        if missing:
            raise Failed(f"the object {missing[:9]} is not in this clone", "Fetch what is missing: git fetch")
        return [each.content for each in found if each]

    def sha(self, name: str) -> str | None:
        """Return the full name of the object that is meant, or None."""
        found = self.read([name])[0]
        return found.sha if found else None

    def _answers(self, names: Sequence[str]) -> list[Stored | None]:
        """Ask the process; one that was killed, as by the Ctrl-C that this call is cleaning up after, starts again.

        So does one that was left in the middle of an answer: the next would be the rest of that.
        """
        for _ in range(2):
            (reader, words), self._git = self._git or self._reader(), None
            with suppress(BrokenPipeError, EOFError):
                answers = list(self._ask(reader, names))
                self._git = reader, words
                return answers
            reader.communicate()
            if reader.returncode >= 0:
                break
        words.seek(0)
        raise failure("cat-file", words.read().decode("utf-8", "replace"))

    def _reader(self) -> tuple[Popen[bytes], IO[bytes]]:
        words = tempfile.TemporaryFile()  # noqa: SIM115 - it closes with the reader
        return self._start(words), words

    def _ask(self, reader: Popen[bytes], names: Sequence[str]) -> Iterator[Stored | None]:
        source, printed = cast("IO[bytes]", reader.stdin), cast("IO[bytes]", reader.stdout)
        source.write("".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape"))
        source.flush()
        for _ in names:
            *named, size = printed.readline().rstrip(b"\n").rsplit(b" ", 2)
            if size.isdigit():
                content = printed.read(int(size) + 1)  # and the newline after each
                if len(content) <= int(size):
                    raise EOFError
                yield Stored(named[0].decode(), named[1].decode(), content[:-1])
            elif size:  # the name, and that it is `missing` or `ambiguous`
                yield None
            else:
                raise EOFError


def _portions(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the names in portions that a pipe takes whole: nobody waits for the other to read first."""
    portion, size = list[str](), 0
    for name in names:
        if portion and size + 4 * len(name) >= ROOM:
            yield portion
            portion, size = [], 0
        portion, size = [*portion, name], size + 4 * len(name) + 1
    if portion:
        yield portion
