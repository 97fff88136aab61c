"""Medians with their minimum and maximum, ratios, and tables of them; each goal with what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """Figures of the same thing, one a round."""

    figures: Sequence[float]

    @property
    def middle(self) -> float:
        return median(self.figures)

    def __str__(self) -> str:
        """Such as `0.31 (0.30–0.35)`."""
        return f"{self.middle:.3f} ({min(self.figures):.3f}–{max(self.figures):.3f})"


@dataclass(frozen=True)
class Goal:
    """What is to be reached: at most so much."""

    what: str
    most: float
    measured: float

    def row(self) -> tuple[str, str, str, str]:
        """What, the goal, what was measured, and whether that reaches it."""
        reached = "yes" if self.measured <= self.most else "NO"
        return self.what, f"≤ {_text(float(self.most))}", _text(self.measured), reached


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay out a table in Markdown, its columns below one another."""
    cells = [[*map(str, head)], *([_text(each) for each in row] for row in rows)]
    widths = [max(len(row[number]) for row in cells) for number in range(len(head))]
    lines = [f"| {' | '.join(map(str.ljust, row, widths))} |" for row in cells]
    lines.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    return "\n".join([f"### {title}", "", *lines, ""])


def _text(cell: object) -> str:
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table as soon as it is known."""
    print(table(title, head, rows), flush=True)


def show_goals(found: Iterable[Goal]) -> None:
    """Print the goals of a group of rows."""
    show("Goals", ("goal", "at most", "measured", "reached"), [each.row() for each in found])
