"""The remote and the user's repository: made once a process for each content, and copied from then on."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .bare import Bare
from .git_http import configure_bare

REMOTE = "remote.git"
WORK = "platform"
_PERSON = {f"GIT_{who}_NAME": "Release Person" for who in ("AUTHOR", "COMMITTER")}
_PERSON |= {f"GIT_{who}_EMAIL": "person@example.com" for who in ("AUTHOR", "COMMITTER")}


def copy_repositories(folder: Path, files: Mapping[str, str] | None) -> tuple[Bare, Bare]:
    """Put a remote and the user's repository into a folder: one commit with these files, or the sample's history."""
    template = _template(None if files is None else tuple(sorted(files.items())))
    for name in (REMOTE, WORK):
        shutil.copytree(template / name, folder / name, symlinks=True)
    work = Bare(folder / WORK)
    # The copies are other files to Git's index, though their content is the same.
    work.git("update-index", "-q", "--refresh")
    return Bare(folder / REMOTE), work


@dataclass(frozen=True)
class History:
    """Another repository, by what it last saw of its remote."""

    source: Path
    remote: str
    trunk: str


def copy_history(folder: Path, history: History) -> tuple[Bare, Bare]:
    """Put a remote and a clone into a folder, with what another repository last saw of its remote; that one is read."""
    bare = Bare(folder / REMOTE)
    bare.path.mkdir()
    bare.git("init", "--quiet", "--bare", "--template=", f"--initial-branch={history.trunk}")
    seen = (f"+refs/remotes/{history.remote}/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    bare.git("fetch", "--quiet", "--update-head-ok", str(history.source), *seen)
    bare.git("update-ref", "-d", "refs/heads/HEAD")
    configure_bare(bare)
    _clone(bare, folder / WORK, history.trunk)
    return bare, Bare(folder / WORK)


def follow_remote(work: Bare, url: str, trunk: str = "main") -> None:
    """Have the user's repository follow a remote, as after a clone; its token is asked of the environment."""
    server = "/".join(url.split("/")[:3])
    helper = "!f() { echo username=x-access-token; echo password=$GITHUB_TOKEN; }; f"
    with (work.path / ".git" / "config").open("a", encoding="utf-8") as config:
        config.write(f'[remote "origin"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n')
        config.write(f'[branch "{trunk}"]\n\tremote = origin\n\tmerge = refs/heads/{trunk}\n')
        config.write(f'[credential "{server}"]\n\thelper = "{helper}"\n')
    work.git("symbolic-ref", "refs/remotes/origin/HEAD", f"refs/remotes/origin/{trunk}")


@cache
def _template(files: tuple[tuple[str, str], ...] | None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="release-sandbox-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bare = Bare(folder / REMOTE)
    bare.path.mkdir()
    bare.git("init", "--quiet", "--bare", "--template=", "--initial-branch=main")
    if files is None:
        _replay_sample(bare)
    else:
        _commit_files(bare, folder / "once", dict(files))
    configure_bare(bare)
    _clone(bare, folder / WORK)
    for repository in (bare, Bare(folder / WORK)):
        _pack(repository)
    return folder


def _pack(repository: Bare) -> None:
    """Leave few files and folders to copy."""
    repository.git("repack", "-a", "-d", "-q")
    repository.git("pack-refs", "--all")
    objects = Path(repository.git("rev-parse", "--path-format=absolute", "--git-path", "objects").strip())
    for place in objects.glob("??"):
        place.rmdir()


def _replay_sample(bare: Bare) -> None:
    from . import sample

    sample.replay(bare.path)


def _commit_files(bare: Bare, folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    bare.git("--work-tree", str(folder), "add", "--all")
    bare.git("--work-tree", str(folder), "commit", "--quiet", "--message", "Start the platform", **_PERSON)
    (bare.path / "index").unlink()
    shutil.rmtree(folder)


def _clone(bare: Bare, folder: Path, trunk: str = "main") -> None:
    folder.mkdir()
    work = Bare(folder)
    work.git("init", "--quiet", "--template=", f"--initial-branch={trunk}")
    everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    work.git("fetch", "--quiet", str(bare.path), *everything)
    (folder / ".git" / "FETCH_HEAD").unlink()
    work.git("reset", "--quiet", "--hard", f"refs/remotes/origin/{trunk}")
