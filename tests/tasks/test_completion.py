"""What the shells complete: values from the clone, for the tasks and flags that take them."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

TAGS = ("0.6.0", "0.7.0", "0.7.1", "0.8.0-rc.1", "nightly")
SETTINGS = "release:\n  components:\n    engine: {kind: none}\n"


def git(folder: Path, *args: str) -> str:
    return subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of a line, a trunk with two commits beyond it, tags, a receipt and a component of its own."""
    remote, folder = tmp_path_factory.mktemp("completion") / "remote.git", tmp_path_factory.mktemp("clone")
    git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(remote))
    git(folder, "init", "--quiet", "--initial-branch", "main", ".")
    git(folder, "remote", "add", "origin", str(remote))
    for subject in ("Begin", "Mend it (#12)", "Mend it again"):
        git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--allow-empty", "-m", subject)
    git(folder, "push", "--quiet", "origin", "main", "main~2:refs/heads/release-0.7-20260101")
    git(folder, "remote", "set-head", "origin", "--auto")
    for tag in TAGS:
        git(folder, "tag", tag)
    (folder / "tasks.py").write_text("from release import namespace\n")
    (folder / "invoke.yaml").write_text(SETTINGS)
    (folder / "0.7.0.json").write_text('{"uri": "https://github.com/a/b/actions/runs/4711"}')
    return folder


def environment(**more: str) -> dict[str, str]:
    """The shells find this environment's inv and the project."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(Path(__file__).parents[2]), **more}


def completed(clone: Path, words: str) -> list[str]:
    command = [sys.executable, "-m", "invoke", "--complete", "--", *words.split(" ")]
    done = subprocess.run(
        command, cwd=clone, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def sha(clone: Path, commit: str) -> str:
    return git(clone, "rev-parse", "--short", commit)


VALUES = {
    "inv release.verify --version": ["0.8.0-rc.1", "0.7.1", "0.7.0", "0.6.0"],
    "inv release.verify --version 0.7": ["0.7.1", "0.7.0"],
    "inv release.verify --version=0.7": ["--version=0.7.1", "--version=0.7.0"],  # zsh and fish: one word
    "inv release.verify --version = 0.7": ["0.7.1", "0.7.0"],  # bash takes it apart
    "inv release.tag --version": ["0.8.0", "1.0.0", "0.7.2", "0.6.1"],  # what a release may be called next
    "inv --dry release.branch --yes release.tag --version 0.7": ["0.7.2"],
    "inv release.pick --line": ["0.7"],
    "inv release.pick --pr": ["12"],
    "inv release.tag --ref origin/r": ["origin/release-0.7-20260101"],
    "inv release.next --bump m": ["minor", "major"],
    "inv release.component --name": ["engine"],
    "inv sdk.watch --run": ["4711"],
    "inv sandbox.rehearse --task release.m": ["release.major", "release.minor"],
    "inv sandbox.rehearse --kill-after p": ["push"],
    "inv release.tag --message": [],  # nothing to say: the shell completes files
    "inv release.verify --receipt": [],
    "inv release.tag --message 'half": [],
}


@pytest.mark.parametrize("words", VALUES)
def test_a_flags_values_are_completed_from_the_clone(clone: Path, words: str) -> None:
    assert completed(clone, words) == VALUES[words]


def test_open_picks_are_the_commits_that_the_line_lacks(clone: Path) -> None:
    assert completed(clone, "inv release.pick --line 0.7 --commit") == [sha(clone, "main"), sha(clone, "main~1")]
    for line in ("--line 0.6", "--line=0.6", "--line = 0.6"):
        assert completed(clone, f"inv release.pick {line} --commit") == []


def test_after_a_whole_value_come_tasks_too(clone: Path) -> None:
    found = completed(clone, "inv release.verify --version 0.7.1")
    assert found[0] == "0.7.1"
    assert "release.status" in found


def test_half_a_flag_is_no_mistake(clone: Path) -> None:
    assert "--json" in completed(clone, "inv release.verify --js")


def test_a_folder_that_is_no_clone_completes_nothing_and_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("from release import namespace\n")
    (tmp_path / "invoke.yaml").write_text("release: {components: 5}\n")
    assert completed(tmp_path, "inv release.pick --line") == []
    assert completed(tmp_path, "inv release.component --name") == []


def bash(clone: Path, line: str) -> str:
    """Have bash complete a line as its Tab does, by the function that invoke's script declares."""
    words = line.split(" ")
    script = f"""
        source <(inv --print-completion-script bash)
        COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}
        function=$(complete -p inv); function=${{function#*-F }}; ${{function%% *}} inv {words[-1]!r} {words[-2]!r}
        echo "${{COMPREPLY[*]}}"
    """
    return subprocess.run(
        ["bash", "-c", script], cwd=clone, env=environment(), capture_output=True, text=True, timeout=60, check=True
    ).stdout.strip()


def fish(clone: Path, line: str) -> str:
    wraps = "complete --command inv --wraps invoke"  # invoke's script completes the longer of its two names alone
    script = f'inv --print-completion-script fish | source; {wraps}; complete --do-complete "{line}"'
    home = environment(HOME=str(clone), XDG_CONFIG_HOME=str(clone / ".git"), XDG_DATA_HOME=str(clone / ".git"))
    done = subprocess.run(
        ["fish", "-c", script], cwd=clone, env=home, capture_output=True, text=True, timeout=60, check=True
    )
    return " ".join(done.stdout.split())


def zsh(clone: Path, line: str) -> str:
    """Have a zsh on a terminal of its own complete a line, and return the word it puts there."""
    child, terminal = pty.fork()
    if not child:
        os.chdir(clone)
        os.execvpe("zsh", ["zsh", "-f", "-i"], environment(TERM="dumb", PS1="> "))
    try:
        # invoke's script finds the words typed where zsh's own completion is loaded, as most people's .zshrc has it.
        own = "autoload -Uz compinit; compinit -u -D"
        typed(terminal, f"{own}; source <(inv --print-completion-script zsh); print rea''dy\n", "ready\r\n")
        seen = typed(terminal, f"{line}\t", line[1:], quiet=3.0)
        return seen.replace("\x07", "").rpartition(line[1:])[2].strip()
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


def typed(terminal: int, keys: str, until: str, quiet: float = 0.5) -> str:
    """Type, and return what is shown until the text was seen and nothing more comes for some seconds."""
    os.write(terminal, keys.encode())
    seen = "".join(shown(terminal, until, quiet))
    assert until in seen, seen
    return seen


def shown(terminal: int, until: str, quiet: float) -> Iterator[str]:
    seen, ends = "", time.monotonic() + 30
    while time.monotonic() < ends:
        if not select.select([terminal], [], [], quiet)[0]:
            if until in seen:
                return
            continue
        read = os.read(terminal, 4096).decode(errors="replace")
        seen += read
        yield read


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("inv release.pick --line 0.", "0.7"),
        ("inv release.tag --version 0.7", "0.7.2"),
        ("inv sdk.watch --run 47", "4711"),
    ],
)
@pytest.mark.parametrize("shell", [bash, fish, zsh])
def test_each_shell_completes_a_value(shell: object, clone: Path, line: str, value: str) -> None:
    name = getattr(shell, "__name__", "")
    if not shutil.which(name):
        pytest.skip(f"no {name} here")
    answer = shell(clone, line)  # type: ignore[operator]
    assert answer in (value, value.removeprefix(line.rpartition(" ")[2]))  # zsh shows what it adds
