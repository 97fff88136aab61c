"""The kinds of clone that people and CI release from, by what was done to the one of a world."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from faults.worlds import World
from outside import git

EVERY = ("minor", "patch", "component", "image")
WORDS = "says the hook of this clone"


@dataclass(frozen=True)
class Kind:
    """One kind of clone: how it is made of a world's, returning its folder; `refused`: the pipelines, and the words."""

    make: Callable[[World, ExitStack], Path]
    refused: tuple[str, ...] = ()
    words: str = WORDS
    mend: Callable[[World], object] = field(default=lambda _: None)
    signed: bool = False

    def __post_init__(self) -> None:
        assert set(self.refused) <= set(EVERY)


@contextmanager
def cloned(world: World, kind: Kind) -> Iterator[World]:
    """Put the world back with a clone of this kind in it; the harness' own is there again afterwards."""
    world.restore()
    work, context, settings = world.sandbox.work, world.context, world.sandbox.git_config.read_bytes()
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name, value in world.variables.items():
            patch.setenv(name, value)
        stack.callback(world.sandbox.git_config.write_bytes, settings)
        folder = kind.make(world, stack)
        world.sandbox.work, world.context = folder, replace(context, folder=folder)
        os.chdir(folder)
        world.calls.clear()
        world.sandbox.github.front.clear()
        try:
            yield world
        finally:
            world.sandbox.work, world.context = work, context
            os.chdir(world.sandbox.folder)


# --- clones of the remote ---


def place(world: World, stack: ExitStack, name: str = "other") -> Path:
    """Return where another clone may be; it goes with the case."""
    folder = world.sandbox.folder / "clones"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder / name


def clone(world: World, where: Path, *options: str) -> Path:
    """Clone the remote over HTTP, as a person who is signed in."""
    helper = "!f() { echo username=x-access-token; echo password=$GITHUB_TOKEN; }; f"
    url = world.sandbox.github.clone_url
    git(world.sandbox.folder, "clone", "-q", "-c", f"credential.helper={helper}", *options, url, str(where))
    return where


def cloning(*options: str, name: str = "other") -> Callable[[World, ExitStack], Path]:
    """Make a clone with these options."""
    return lambda world, stack: clone(world, place(world, stack, name), *options)


def detached(world: World, stack: ExitStack) -> Path:
    """Check out a commit of its own."""
    git(world.sandbox.work, "checkout", "-q", "--detach", "HEAD~1")
    return world.sandbox.work


def linked(world: World, stack: ExitStack) -> Path:
    """Stand in a linked worktree of another commit."""
    where = place(world, stack)
    git(world.sandbox.work, "worktree", "add", "-q", "--detach", str(where), "HEAD~2")
    stack.callback(git, world.sandbox.work, "worktree", "remove", "--force", str(where))
    return where


def behind(world: World, stack: ExitStack) -> Path:
    """Have what the remote had some commits ago, and none of its objects since."""
    where = clone(world, place(world, stack), "--single-branch", "--no-tags")
    git(where, "reset", "-q", "--hard", "HEAD~6")
    git(where, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(where, "reflog", "expire", "--expire=now", "--all")
    git(where, "gc", "-q", "--prune=now")
    return where


def inside(world: World, stack: ExitStack) -> Path:
    """Be a submodule of another repository, by Git's own layout: `.git` is a file, the rest is in the other's."""
    outer = place(world, stack, "outer")
    git(world.sandbox.folder, "init", "-q", str(outer))
    clone(world, outer / "platform")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "./platform", "platform")
    git(outer, "submodule", "--quiet", "absorbgitdirs")
    git(outer, "commit", "-qm", "Take the platform in")
    return outer / "platform"


def around(world: World, stack: ExitStack) -> Path:
    """Have a submodule checked out that the branch here has and that was not pushed anywhere."""
    work = world.sandbox.work
    library = place(world, stack, "library")
    git(world.sandbox.folder, "init", "-q", str(library))
    git(library, "commit", "-q", "--allow-empty", "-m", "Begin")
    git(work, "switch", "-q", "-c", "with-library")
    git(work, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "library")
    git(work, "commit", "-qm", "Take the library in")
    git(work / "library", "commit", "-q", "--allow-empty", "-m", "Unpushed")
    git(work, "commit", "-qam", "Use what is not pushed")
    git(work, "switch", "-q", "main", "--recurse-submodules")
    git(work, "config", "submodule.recurse", "true")
    git(work, "config", "push.recurseSubmodules", "only")
    return work


# --- settings ---


def set_to(**settings: str) -> Callable[[World, ExitStack], Path]:
    """Set Git in this clone: `commit__gpgsign="true"` is commit.gpgsign."""

    def _make(world: World, stack: ExitStack) -> Path:
        for name, value in settings.items():
            git(world.sandbox.work, "config", name.replace("__", "."), value)
        return world.sandbox.work

    return _make


def rewritten(world: World, stack: ExitStack) -> Path:
    """Name the remote by a short word, and push to another spelling of it."""
    work, url = world.sandbox.work, world.sandbox.github.clone_url
    server = url.rpartition("/acme/")[0]
    git(work, "config", f"url.{server}/.insteadOf", "company:")
    git(work, "config", f"url.{url}.pushInsteadOf", f"{server}/acme/platform")
    git(work, "remote", "set-url", "origin", "company:acme/platform")
    return work


def crlf(world: World, stack: ExitStack) -> Path:
    """Have every text here with CR LF, as on Windows, and Git be strict about it."""
    work = world.sandbox.work
    for name, value in {"core.autocrlf": "true", "core.safecrlf": "true"}.items():
        git(work, "config", name, value)
    return _anew(work)


def eol(world: World, stack: ExitStack) -> Path:
    """Have it by attributes."""
    info = world.sandbox.work / ".git" / "info"
    info.mkdir(exist_ok=True)
    (info / "attributes").write_text("* text=auto eol=crlf\n")
    return _anew(world.sandbox.work)


def _anew(work: Path) -> Path:
    """Check every file out anew."""
    (work / ".git" / "index").unlink()
    git(work, "reset", "-q", "--hard")
    assert b"\r\n" in (work / "sdk" / "leptonai" / "config.py").read_bytes()
    return work


def worktree_config(world: World, stack: ExitStack) -> Path:
    """Keep settings of each worktree's own."""
    work = world.sandbox.work
    git(work, "config", "extensions.worktreeConfig", "true")
    git(work, "config", "--worktree", "core.sparseCheckout", "true")
    git(work, "sparse-checkout", "set", "--cone", "web")
    return work


def of_another(world: World, stack: ExitStack) -> Path:
    """Belong to another user, as a folder that a container was given."""
    for path in (world.sandbox.work, *world.sandbox.work.rglob("*")):
        os.chown(path, 65_534, 65_534, follow_symlinks=False)
    return world.sandbox.work


@contextmanager
def trusting() -> Iterator[None]:
    """Let the test itself look into a clone of another user's."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"COUNT": "1", "KEY_0": "safe.directory", "VALUE_0": "*"}.items():
            patch.setenv(f"GIT_CONFIG_{name}", value)
        yield


def trust(world: World) -> None:
    """Do what the refusal says."""
    git(world.sandbox.folder, "config", "--global", "--add", "safe.directory", str(world.sandbox.work))


# --- hooks ---


def hook(name: str, folder: str = ".git/hooks", test: str = "true") -> Callable[[World, ExitStack], Path]:
    """Have a hook say no where the test, in a shell, is true."""

    def _make(world: World, stack: ExitStack) -> Path:
        file = world.sandbox.work / folder / name
        if folder != ".git/hooks":
            git(world.sandbox.work, "config", "core.hooksPath", str(file.parent))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'#!/bin/sh\nif {test}; then echo "no, {WORDS}" >&2; exit 1; fi\n')
        file.chmod(0o755)
        return world.sandbox.work

    return _make


def unhook(world: World) -> None:
    """Take the hooks away."""
    for folder in (".git/hooks", ".git/its hooks"):
        for file in (world.sandbox.work / folder).glob("*"):
            file.unlink()


# --- signing ---


def by_ssh(world: World, stack: ExitStack) -> Path:
    """Sign all by an SSH key."""
    key = place(world, stack, "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (key.parent / "signers").write_text(f"person@example.com {Path(f'{key}.pub').read_text()}")
    settings = {"gpg.format": "ssh", "user.signingkey": str(key), "gpg.ssh.allowedSignersFile": f"{key.parent}/signers"}
    return _signing(world, settings)


def by_gpg(world: World, stack: ExitStack) -> Path:
    """Sign all by a GPG key, its agent ended with the case."""
    home = Path(tempfile.mkdtemp(prefix="gpg-", dir="/tmp"))  # a socket's path has to be short
    stack.callback(shutil.rmtree, home, ignore_errors=True)
    os.environ["GNUPGHOME"] = str(home)
    stack.callback(os.environ.pop, "GNUPGHOME")
    stack.callback(_end_agent)
    key = ("--quick-gen-key", "Release Person <person@example.com>", "ed25519", "sign", "never")
    subprocess.run(["gpg", "-q", "--batch", "--passphrase", "", *key], check=True, capture_output=True)
    return _signing(world, {"user.signingkey": "person@example.com"})


def _end_agent() -> None:
    asked = ["gpg-connect-agent", "--no-autostart", "getinfo pid", "/bye"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    with suppress(IndexError, ProcessLookupError):
        os.kill(int(said[1]), signal.SIGTERM)


def _signing(world: World, settings: dict[str, str]) -> Path:
    for name, value in {
        **settings,
        "commit.gpgsign": "true",
        "tag.gpgsign": "true",
        "log.showSignature": "true",
    }.items():
        git(world.sandbox.work, "config", name, value)
    return world.sandbox.work


def check_signed(world: World) -> None:
    """Hold that each tag and commit that this person made since carries a good signature."""
    work, bare = world.sandbox.work, world.sandbox.bare
    git(work, "fetch", "-q", "origin", "+refs/*:refs/seen/*")
    known = [*world.refs.values()]
    made = git(work, "rev-list", "--committer=Release Person", "--glob=refs/seen", "--not", *known).split()
    tags = [target for name, target in bare.refs("refs/tags").items() if name not in world.refs]
    assert made or tags
    for sha in made:
        git(work, "verify-commit", sha)
    for target in tags:
        git(work, "verify-tag", target)
