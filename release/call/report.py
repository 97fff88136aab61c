"""The one way out: people's lines, JSON lines, and what GitHub Actions reads."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from release.call.texts import duration, printable
from release.errors import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, TextIO

    from rich.live import Live
    from rich.table import Table

    from release.errors import ReleaseError

MARKS = {
    "done": "✔", "made": "✔", "holds": "✔", "todo": "○", "failed": "✘", "waiting": "…", "note": "·", "unknown": "?",
    "none": "–",
}  # fmt: skip
ASCII_MARKS = {
    "done": "ok", "made": "ok", "holds": "ok", "todo": "--", "failed": "!!", "waiting": "..", "note": " -",
    "unknown": "??", "none": " -",
}  # fmt: skip
COLOURS = {
    "done": "green", "made": "green", "holds": "green", "todo": "yellow", "failed": "red", "waiting": "cyan",
    "unknown": "yellow",
}  # fmt: skip
LONGEST = 4000  # characters of one text for people: a log may have lines of megabytes
_MARKUP = re.compile(r"([\\`*_\[\]<>&~$|!])")  # what Markdown and HTML begin with


@dataclass(frozen=True)
class Progress:
    """One row of what is waited for: its names by column, its state, for how many seconds, and a link or step.

    A `head` row stays on the terminal, with its time and link, when the waiting is over; where it `ticks`, its time
    goes on until the next look.
    """

    names: Mapping[str, str]
    state: str
    seconds: float | None = None
    link: str = ""
    head: bool = False
    ticks: bool = False


class Report:
    """Print one call's steps, tables and facts to where they belong."""

    def __init__(self, output: str = "text", stream: TextIO | None = None) -> None:
        self.json = output == "json"
        self.stream = stream or sys.stdout
        if isinstance(self.stream, TextIOWrapper):  # rich writes there too, and knows no other way
            self.stream.reconfigure(errors="backslashreplace")
        self.actions = os.environ.get("GITHUB_ACTIONS") == "true"
        self.terminal = self.stream.isatty() and not self.actions  # whose runner reads lines, a terminal's too
        self.facts: dict[str, Any] = {}
        self.todo = 0
        self._live: Live | None = None
        self._shown: dict[tuple[str, ...], str] = {}
        self._rows: list[Progress] = []
        self._looked = 0.0

    @property
    def interactive(self) -> bool:
        """Whether a person is at both ends: something to type on, something to read."""
        return self.stream.isatty() and sys.stdin is not None and sys.stdin.isatty()

    def step(self, status: str, what: str, **facts: Any) -> None:
        """Print one line of the checklist; `status` is a key of MARKS."""
        self.todo += status == "todo"
        if self.json:
            self.emit(event="step", status=status, what=what, **facts)
            return
        already = " (already)" if status == "done" else " (to do)" if status == "todo" else ""
        self._line(f"{self.mark(status)} {what}{already}", COLOURS.get(status, ""))
        for link in (facts[name] for name in ("url",) if facts.get(name)):
            self._line(f"  {link}")
        self._summary(f"- {self.mark(status)} {what}{already}")

    def artifact(self, what: str, digest: str | None) -> None:
        """Print whether an artifact is out: the begin of its digest for people, all of it in JSON."""
        shown = f"{what}  {digest[:19]}" if digest else f"{what}  missing"
        self.step("holds" if digest else "failed", shown, digest=digest)

    def line(self, text: str = "") -> None:
        """Print one plain line; in JSON, an object with `line`."""
        if self.json:
            self.emit(event="line", line=text)
        else:
            self._line(text)

    def lines(self, texts: Iterable[str]) -> None:
        """Print outside text, such as a log's tail, line by line."""
        for text in texts:
            self.line(f"  | {text}")

    def emit(self, **facts: Any) -> None:
        """Print one JSON object on a line of its own."""
        self._write(json.dumps(facts, default=str).replace("##[", "#\\u0023["))

    def rows(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table; in JSON, one object a row with the columns as names."""
        if self.json:
            for row in rows:
                self.emit(**dict(zip(columns, row, strict=True)))
            return
        self._rich(self._table(columns, rows))

    def record(self, **facts: Any) -> None:
        """Keep facts for the end, and write those that are new to GITHUB_OUTPUT (S5)."""
        new = {name: fact for name, fact in facts.items() if fact not in (None, "", self.facts.get(name))}
        self.facts.update(new)
        path = os.environ.get("GITHUB_OUTPUT", "")
        for (name, fact), fence in ((each, secrets.token_hex(16)) for each in new.items() if path):
            try:
                _append(path, f"{name}<<{fence}\n{printable(fact)}\n{fence}\n")
            except OSError as error:  # what a later step would read must not be lost without a word
                what = f"GITHUB_OUTPUT: {path} cannot be written: {error.strerror}"
                raise Usage(what, "Name a file in a folder that is there, or unset it.") from error

    def error(self, error: ReleaseError) -> None:
        """Print what went wrong on standard error; in JSON, as an object on standard output."""
        if self.json:
            self.emit(event="error", code=error.code, message=error.problem, hint=error.hint)
            return
        self._summary(f"- ✘ {error.problem}")
        where = sys.stderr
        if self.actions:  # an annotation: all lines in one command, escaped as the runner reads it back (S11)
            text = "\n".join(self._safe(part) for part in f"{error.problem}\n{error.hint}".splitlines() if part)
            self._write(f"::error::{text.replace('%', '%25')}".replace("\n", "%0A"), where)
            return
        colour = "\x1b[31m" if where.isatty() and "NO_COLOR" not in os.environ else ""
        for number, text in enumerate(part for part in (*error.problem.splitlines(), *error.hint.splitlines()) if part):
            mark, close = (self.mark("failed", where), "\x1b[0m" if colour else "") if not number else (" ", "")
            self._write(f"{colour if not number else ''}{mark}{close} {self._safe(text)}", where)

    def ask(self, question: str) -> bool:
        """Ask a person yes or no; no answer is no."""
        self.stream.write(f"{printable(question)} [y/N] ")
        self.stream.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def answer(self, question: str) -> str:
        """Ask a person for a text; no answer is the empty one."""
        self.stream.write(f"{printable(question)} ")
        self.stream.flush()
        return sys.stdin.readline().strip()

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold what is printed within, where GitHub Actions reads it."""
        folded = self.actions and not self.json
        if folded:
            self._write(f"::group::{self._safe(title)}")
        try:
            yield
        finally:
            if folded:
                self._write("::endgroup::")

    @contextmanager
    def live(self) -> Iterator[None]:
        """Show `progress` in place on a terminal until the end of the block; then a line a head row stays."""
        self._shown, self._rows = {}, []
        if not self.terminal or self.json or os.environ.get("TERM") == "dumb":
            yield
            return
        from rich.live import Live

        self._live = live = Live(
            console=self._console(),
            get_renderable=self._table_now,
            refresh_per_second=1,  # as its times are shown: looks are far more seldom
            transient=True,
        )
        try:
            yield
        finally:
            self._live = None
            live.stop()
        for row in (row for row in self._rows if row.head):
            took = f" after {duration(row.seconds)}" if row.seconds is not None else ""
            self._line(f"  {'  '.join(text for text in row.names.values() if text)}  {row.state}{took}  {row.link}")

    def progress(self, rows: Sequence[Progress]) -> None:
        """Show what is waited for in place on a terminal, else a line for each row whose state changed."""
        self._rows, self._looked = list(rows), time.monotonic()
        if self._live is not None:
            self._live.start()  # not before there is something to show: it would leave an empty line
            self._live.refresh()
            return
        for row in rows:
            if self._shown.get(tuple(row.names.values())) == row.state:
                continue
            self._shown[tuple(row.names.values())] = row.state
            facts = {**row.names, "state": row.state, "url": row.link}
            if self.json:
                self.emit(event="change", **facts)
            else:
                self._line("  ".join(text for text in facts.values() if text))

    def _table_now(self) -> Table:
        """Return what is waited for, with the times that have gone on since the last look."""
        rows, since = self._rows, time.monotonic() - self._looked
        columns = [*rows[0].names, "state", "time"] if rows else []
        took = [row.seconds + since if row.ticks and row.seconds is not None else row.seconds for row in rows]
        cells = [(*row.names.values(), row.state, duration(each)) for row, each in zip(rows, took, strict=True)]
        return self._table(columns, cells)

    def _line(self, text: str, colour: str = "") -> None:
        if self.terminal:
            from rich.text import Text

            self._rich(Text(self._safe(text), style=colour), soft_wrap=True)  # the terminal wraps: links stay whole
        else:
            self._write(self._safe(text))

    def _rich(self, renderable: Table | Any, soft_wrap: bool = False) -> None:
        console = self._live.console if self._live is not None else self._console()
        if self.terminal:
            console.print(renderable, soft_wrap=soft_wrap)
            return
        with console.capture() as captured:
            console.print(renderable, soft_wrap=True)
        for line in captured.get().removesuffix("\n").split("\n"):  # once more: a cell that is folded begins lines
            self._write(self._safe(line))

    def _table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(self._safe(column), overflow="fold")
        for row in rows:
            table.add_row(*(Text(self._safe("" if cell is None else str(cell))) for cell in row))
        return table

    def _console(self) -> Any:
        from rich.console import Console

        shape: dict[str, Any] = {"force_terminal": self.terminal, "width": None if self.terminal else 200}
        return Console(file=self.stream, markup=False, highlight=False, emoji=False, **shape)

    def _write(self, text: str, where: TextIO | None = None) -> None:
        """Write a line; where nobody reads any more (`| head`) the work goes on, and its exit code stays true."""
        stream = where or self.stream
        try:
            stream.write(f"{text}\n")
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # else Python complains when it ends

    def _safe(self, text: str) -> str:
        """Return the text for people; in Actions its runner takes nothing in it for a command (S11)."""
        safe = printable(_cut(text))
        if not self.actions:
            return safe
        safe = safe.replace("##[", "# #[")
        return safe.replace("::", ": :", 1) if safe.lstrip().startswith("::") else safe

    def mark(self, status: str, stream: TextIO | None = None) -> str:
        """Return the sign that a step of this status begins with, one that the stream can take."""
        encoding = ((stream or self.stream).encoding or "utf-8").lower()
        return (MARKS if encoding.startswith("utf") else ASCII_MARKS)[status]

    def _summary(self, text: str) -> None:
        path = os.environ.get("GITHUB_STEP_SUMMARY") if self.actions else None
        if path:
            with suppress(OSError):  # a page for people: no release stops for it
                _append(path, _MARKUP.sub(r"\\\1", printable(_cut(text))) + "\n")


def _append(path: str, text: str) -> None:
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(text)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
