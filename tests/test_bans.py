"""What the source must never hold, whoever writes it; each ban is proved by a canary file that it must find."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [*sorted((ROOT / "release").rglob("*.py")), ROOT / "tasks.py", ROOT / "noxfile.py"]
# An argument, in a call or in a dictionary that becomes one, and the only constant that it may be.
ARGUMENTS = {"shell": "False", "force": "False", "verify": "True"}
CALLS = re.compile(
    r"os\.(?:system|popen)|subprocess\.getoutput|subprocess\.getstatusoutput"  # a shell
    r"|.*\bindex\.commit"  # skips hooks and signing (F24)
    r"|(?:.*\W)?(?:remote|origin|remote\(.*\)|remotes\[.*\]|remotes\.\w+)\.push"  # tells no rejected ref (F7)
    r"|(?:.*\.)?disable_warnings|ssl\._create_unverified_context"
)
NAMES = {"CERT_NONE"}


def banned(path: Path) -> Iterator[str]:
    """Yield what is banned in the file, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        yield from (f"{path.name}:{getattr(node, 'lineno', 0)}: {found}" for found in _found(node))


def _found(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=func, keywords=keywords):
            yield from (name for name in [ast.unparse(func)] if CALLS.fullmatch(name))
            other = {"force"} if ast.unparse(func) == "request.get_json" else set()  # Flask's: of any content type
            yield from _arguments([(each.arg or "", each.value) for each in keywords if each.arg not in other])
        case ast.Dict(keys=keys, values=values):
            named = zip(keys, values, strict=True)
            plain = [(key.value, value) for key, value in named if isinstance(key, ast.Constant)]
            yield from _arguments([each for each in plain if ast.unparse(each[1]) in ("True", "False", "None")])
        case ast.Assign(targets=[ast.Attribute(attr=name)], value=value) if name in ("verify", "timeout"):
            yield from _arguments([(name, value)])
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in NAMES:
            yield name


def _arguments(given: list[tuple[str, ast.expr]]) -> Iterator[str]:
    for name, value in given:
        said = ast.unparse(value)
        if said != ARGUMENTS.get(name, said) or (name, said) == ("timeout", "None"):
            yield f"{name}={said}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_s02_s08_nothing_banned_is_in_the_source(path: Path) -> None:
    assert list(banned(path)) == []


@pytest.mark.parametrize(
    "line",
    [
        "subprocess.run(command, shell=True)",
        "subprocess.run(command, shell=how)",
        "subprocess.Popen(command, **{'shell': True})",
        "os.system(command)",
        "subprocess.getoutput(command)",
        "repo.git.push(force=True)",
        "session.get(url, timeout=9, verify=False)",
        "session.get(url, timeout=9, verify='')",
        "session.verify = False",
        "context.verify_mode = ssl.CERT_NONE",
        "urllib3.disable_warnings()",
        "repo.index.commit('Say so')",
        "repo.remote('origin').push()",
        "repo.remotes.origin.push()",
        "remote.push(refspec)",
        "session.get(url, timeout=None)",
        "session.request(**{'timeout': None})",
    ],
)
def test_s02_s08_each_ban_finds_its_canary(tmp_path: Path, line: str) -> None:
    canary = tmp_path / "canary.py"
    canary.write_text(f"def canary() -> None:\n    {line}\n")
    assert len(list(banned(canary))) == 1
