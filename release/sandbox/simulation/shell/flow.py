"""How a script leaves the place it is at."""

from __future__ import annotations


class Leave(Exception):
    """The script goes on elsewhere, with this exit code; nothing where it is not known."""

    def __init__(self, code: int | None = 0, levels: int = 1) -> None:
        super().__init__(code)
        self.code = code
        self.levels = levels


class Exit(Leave):
    """The shell ends."""


class Return(Leave):
    """The function ends."""


class Break(Leave):
    """The loop ends."""


class Continue(Leave):
    """The loop's turn ends."""


SIGNALS: dict[str, type[Leave]] = {"exit": Exit, "return": Return, "break": Break, "continue": Continue}
