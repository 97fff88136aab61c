"""A push: Git receives it, its `update` hook asks the server about each ref, and the answer has GitHub's words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

UPDATE_HOOK = """#!/bin/sh
# Ask the server behind this push whether the ref may change, and say what it says. Arguments: ref, old, new.
[ -n "$SANDBOX_ASKED" ] || exit 0
printf '%s\\n' "$1 $2 $3" >"/dev/fd/$SANDBOX_ASKED"
while IFS= read -r line; do
    case "$line" in
    allowed) exit 0 ;;
    refused) exit 1 ;;
    *) printf '%s\\n' "${line#>}" ;;
    esac
done <"/dev/fd/$SANDBOX_ANSWER"
exit 1
"""
HOOK_DECLINED = "hook declined"  # Git's own word in its report
PACKET = 65_515  # bytes of what one packet of a side band holds at most


Judge = Callable[[str, str, str], tuple[str, str]]  # of a ref, old and new: why it is refused, and what is said


def push_answer(
    command: list[str], folder: Path, environment: Mapping[str, str], body: IO[bytes], judge: Judge
) -> bytes:
    """Have Git receive a push, each ref as judged; return its answer."""
    asked, ask = os.pipe()
    answered, answer = os.pipe()
    try:
        variables = {**environment, "SANDBOX_ASKED": str(ask), "SANDBOX_ANSWER": str(answered)}
        backend = subprocess.Popen(
            command, cwd=folder, env=variables, stdin=body, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            pass_fds=(ask, answered),
        )  # fmt: skip
    finally:
        os.close(ask)
        os.close(answered)
    with ThreadPoolExecutor(1) as pool, backend:
        reasons = pool.submit(_answer_hook, asked, answer, judge)
        said, _ = backend.communicate()
    return _in_github_words(said, reasons.result())


def _answer_hook(asked: int, answer: int, judge: Judge) -> dict[str, str]:
    """Answer the hook until the push is over; return why which refs were refused."""
    reasons = {}
    # A ref may have any bytes in its name.
    with (
        open(asked, encoding="utf-8", errors="surrogateescape") as questions,
        open(answer, "w", encoding="utf-8", errors="surrogateescape") as answers,
    ):
        for question in questions:
            ref, old, new = question.split()
            reasons[ref], words = judge(ref, old, new)
            lines = [f">{line}" for line in words.splitlines()]
            answers.write("\n".join([*lines, "refused" if reasons[ref] else "allowed", ""]))
            answers.flush()
    return reasons


def _in_github_words(said: bytes, reasons: Mapping[str, str]) -> bytes:
    """Write GitHub's reasons into Git's report, which is in packets inside the first side band."""
    refused = {ref: reason for ref, reason in reasons.items() if reason}
    packets = list(_packets(said)) if refused else []
    bands = {packet[:1] for packet in packets if packet}
    if not bands or not bands <= {b"\x01", b"\x02"}:
        return said
    report = b"".join(packet[1:] for packet in packets if packet[:1] == b"\x01")
    told = b"".join(_packet(packet) for packet in packets if packet[:1] == b"\x02")
    new = b"".join(_packet(_reworded(line, refused)) for line in _packets(report))
    parts = [new[start : start + PACKET] for start in range(0, len(new), PACKET)]
    return told + b"".join(_packet(b"\x01" + part) for part in parts) + b"0000"


def _reworded(line: bytes, refused: Mapping[str, str]) -> bytes:
    words = line.decode("utf-8", "surrogateescape").rstrip("\n").split(" ", 2)
    if len(words) == 3 and words[0] == "ng" and words[2] == HOOK_DECLINED and words[1] in refused:
        return f"ng {words[1]} {refused[words[1]]}\n".encode("utf-8", "surrogateescape")
    return line


def _packets(data: bytes) -> Iterator[bytes]:
    """Yield what Git's packets hold, of one that only ends a list nothing."""
    while data:
        size = max(int(data[:4], 16), 4)
        yield data[4:size]
        data = data[size:]


def _packet(content: bytes) -> bytes:
    return f"{len(content) + 4:04x}".encode() + content if content else b"0000"
