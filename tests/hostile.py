"""Hostile texts: what means something to a shell, to Git, to a terminal or to GitHub's runner, in what people name."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable
from pathlib import Path

MARK = "zyx"  # in each of them: by it an argument is known
BASES = [
    f"--upload-pack=touch {MARK}", f"--exec={MARK}", f"-o{MARK}", f"--output={MARK}", f"-c{MARK}.x=y",
    f"$(touch {MARK})", f"`touch {MARK}`", f";touch {MARK}", f"|{MARK}", f"&&{MARK}", f"'{MARK}", f'"{MARK}',
    f"${{{MARK}}}", f"ext::sh -c {MARK}", f"file:///{MARK}", f"{MARK}::x", f"refs/heads/{MARK}", f"HEAD:{MARK}",
    f"{MARK}..main", f"{MARK}@{{-1}}", f"{MARK}^{{/x}}", f":/{MARK}", f"{MARK}~1^2", f"{MARK}.lock", f".{MARK}",
    f"{MARK}/../x", f"{MARK}*?[", f"{MARK}\\", f"\x1b[45m{MARK}\x1b[2J", f"\x1b]0;{MARK}\x07", f"\x9b45m{MARK}",
    f"\x90{MARK}\x9c", f"{MARK}\u202eevil", f"{MARK}\u2066\u200b", f"\ufeff{MARK}\u00ad", f"{MARK}\U000e0041",
    f"{MARK}\u2028{MARK}", f"{MARK}\x85{MARK}", f"::set-output name={MARK}::y", f"::add-mask::{MARK}",
    f"##[add-path]/{MARK}", f"%0A::error::{MARK}", f"{MARK}\n::stop-commands::x", f"{MARK}\r::debug::x", f"{MARK}\0x",
    f"{MARK}\ttab", f"${{{{ github.{MARK} }}}}", f"<img src=x onerror={MARK}>", f"[{MARK}](http://x)",
    f"e\u0301{MARK}", f"\u0660.\u0667.\u0660{MARK}", f"\uff0d\uff0d{MARK}", f"\udc80{MARK}", f"%s%n{{0}}{MARK}",
    f"[red]{MARK}[/red]", f":warning:{MARK}",
]  # fmt: skip
WRAPS = [
    "{}", "-{}", "--{}", "0.7.0{}", "0.7.0-{}", "{}-0.7.0", "release-0.7-{}", "refs/tags/{}", "a/{}", " {} ", "x\n{}",
    "{}\n",
]  # fmt: skip
HOSTILE = list(dict.fromkeys(wrap.replace("{}", base) for base in BASES for wrap in WRAPS))
HOSTILE += [MARK + "x" * 2**20, "\x1b[45m" * 2**18 + MARK, "-" * 2**16 + MARK, f"##[{MARK}" * 2**17, "a/" * 5000 + MARK]
FEW = [*BASES, *(wrap.replace("{}", BASES[0]) for wrap in WRAPS), *HOSTILE[-5:]]  # each base and each wrap once

# What of ours moves on a terminal: rich's colours and its way to paint a table anew; none is in a hostile text.
OURS = re.compile(r"\x1b\[(?:0|1|2|3[0-7]|1;3[0-7]|2K|1A|\?25[lh])*m?|\r(?=\n|\x1b|$)")


def names_for_git(texts: Iterable[str] = HOSTILE) -> list[str]:
    """Return those that Git takes for the name of a branch (git-check-ref-format(1))."""
    return [text for text in texts if len(text) < 200 and _is_name(text)]


def _is_name(text: str) -> bool:
    parts = text.split("/")
    wrong = re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|\.$|\.lock(?:/|$)", text)
    return not wrong and all(part and part[0] != "." for part in parts) and text != "@"


def raw(shown: str) -> list[str]:
    """Return the lines in which something steers the reader: a control, a direction, something hidden."""
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    lines = [line for line in OURS.sub("", shown).split("\n") if not line.isprintable()]
    return [ascii(line)[:200] for line in lines if any(unicodedata.category(each) in hidden for each in line)]


def commands(shown: str) -> list[str]:
    """Return the lines that GitHub's runner takes for a command, other than those of the report's own."""
    own = ("::group::", "::endgroup::", "::error::")
    lines = [line for line in shown.split("\n") if "##[" in line or line.lstrip().startswith("::")]
    return [line[:200] for line in lines if "##[" in line or not line.startswith(own)]


class Wrapped:
    """`git` and `gh` that stand first on the PATH and write down each argument before they run."""

    def __init__(self, folder: Path, real: dict[str, str]) -> None:
        """`real` names the program that runs in the end, by its name."""
        self.folder, self.log = folder, folder / "arguments"
        folder.mkdir()
        self.log.touch()
        for name, program in real.items():
            wrapper = folder / name
            write = f"printf '%s\\0' {name} \"$@\" $'\\n' >> {shlex.quote(str(self.log))}"
            wrapper.write_text(f'#!/bin/bash\n{write}\nexec {shlex.quote(program)} "$@"\n')
            wrapper.chmod(0o755)

    def calls(self) -> list[list[str]]:
        """Return the calls so far, each from the program's name on."""
        said = self.log.read_bytes().decode("utf-8", "surrogateescape")
        return [call.split("\0")[:-1] for call in said.split("\n\0")[:-1]]

    def options(self) -> list[str]:
        """Return the arguments of others' making that a program reads as an option of its own."""
        return [word for call in self.calls() for word in _before_names(call) if MARK in word and word[:1] == "-"]


def _before_names(call: list[str]) -> list[str]:
    """Return the words up to the one that ends the options; of ours alone are leases, with a ref that was checked."""
    ends = [call.index(end) for end in ("--", "--end-of-options") if end in call]
    lease = re.compile(r"--force-with-lease=refs/(?:heads|tags)/\w[\w./+@#=-]*:[0-9a-f]*")
    return [word for word in call[: min(ends, default=len(call))] if not lease.fullmatch(word)]
