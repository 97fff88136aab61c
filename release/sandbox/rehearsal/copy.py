"""Another repository's remote and a clone of it, by reference: its objects are read where they are."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from release.sandbox.git import Bare, GitError
from release.sandbox.github.git import configure_bare
from release.settings import Settings

OWN_FILES = ("tasks.py", "invoke.yaml")  # what is typed and set: as it is here, pushed or not
LARGE = 64 * 2**20  # bytes of files beyond which a clone has those alone that a release reads
READ = ("-c", "safe.directory=*")  # a repository that may be another user's, and is only read
# What is missing is missing on purpose: a push, say, does not look for it.
_PARTIAL = '[extensions]\n\tpartialClone = origin\n[remote "origin"]\n\tpromisor = true\n'


@dataclass(frozen=True)
class History:
    """Another repository, by what it last saw of its remote."""

    source: Path
    remote: str
    trunk: str
    settings: Settings = field(default_factory=Settings)
    repository: str = "acme/platform"

    @property
    def paths(self) -> list[str]:
        """The folders that a release reads: the package, the file that names the image, the workflows."""
        config = self.settings.image.config_file.rpartition("/")[0]
        return sorted({path.strip("/") for path in (self.settings.sdk.path, config, ".github")} - {"", "."})


def copy_history(bare: Bare, work: Bare, history: History) -> None:
    """Make a remote and a clone with what another repository last saw of its remote; that one is read.

    Raises GitError for one that lacks what a release reads.
    """
    source = Source(history)
    for made in (bare, work):
        made.path.mkdir()
    bare.git("init", "--quiet", "--bare", "--template=", *source.options)
    source.lend(bare.path, source.refs("refs/heads"))
    configure_bare(bare)
    work.git("init", "--quiet", "--template=", *source.options)
    source.lend(work.path / ".git", source.refs("refs/remotes/origin"))
    if source.is_partial:
        source.check(work)
        for folder in (bare.path, work.path / ".git"):
            with (folder / "config").open("a", encoding="utf-8") as config:
                config.write(_PARTIAL)
    _check_out(work, source)
    for name in OWN_FILES:
        _copy_own_file(history.source / name, work)


class Source:
    """The repository that is copied; nothing is ever written there."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._git = Bare(history.source)
        self.is_partial = bool(self._asked("config", "--get-regexp", r"^remote\..*\.promisor$"))
        self.options = [f"--object-format={self._path('--show-object-format')}", f"--initial-branch={history.trunk}"]

    def _asked(self, *command: str) -> str:
        try:
            return self._git.git(*READ, *command, GIT_OPTIONAL_LOCKS="0")
        except GitError:
            if command[0] == "config":  # which says by its exit code that there is none
                return ""
            raise

    def _path(self, *what: str) -> str:
        return self._asked("rev-parse", "--path-format=absolute", *what).strip()

    def refs(self, heads: str) -> list[str]:
        """List what this clone last saw of the remote, as `update-ref` takes it, its branches below `heads`."""
        seen = f"refs/remotes/{self.history.remote}/"
        listed = self._asked("for-each-ref", "--format=%(objectname) %(refname) %(symref)", seen, "refs/tags")
        rows = [row for line in listed.splitlines() if not (row := line.split(" "))[2]]
        return [f"create {name.replace(seen, f'{heads}/', 1)} {sha}\n" for sha, name, _ in rows]

    def lend(self, folder: Path, refs: list[str]) -> None:
        """Have a new repository read the objects where they are, cut where they are cut, with these refs."""
        if not any(f"/{self.history.trunk} " in line for line in refs):
            remote, trunk = self.history.remote, self.history.trunk
            raise GitError(f"this clone has no {remote}/{trunk}; git fetch {remote} {trunk}")
        (folder / "objects" / "info").mkdir(exist_ok=True)
        objects = self._path("--git-path", "objects")
        (folder / "objects" / "info" / "alternates").write_text(f"{objects}\n", encoding="utf-8")
        cut = Path(self._path("--git-path", "shallow"))
        if cut.is_file():
            shutil.copyfile(cut, folder / "shallow")
        Bare(folder).git("--git-dir=.", "update-ref", "--stdin", text="".join(refs))

    def check(self, work: Bare) -> None:
        """Raise GitError where it lacks a file that a release reads, saying what gets it."""
        trunk, paths = f"{self.history.remote}/{self.history.trunk}", self.history.paths
        wanted = work.git("ls-tree", "-r", "--format=%(objectname)", f"origin/{self.history.trunk}", "--", *paths)
        found = work.git("cat-file", "--batch-check", text=wanted).splitlines()
        if missing := [line for line in found if line.endswith(" missing")]:
            what = f"{len(missing)} of {len(found)} files that a release reads are not in this partial clone"
            raise GitError(f"{what}; git archive {' '.join([trunk, *paths])} > /dev/null")

    def is_large(self, work: Bare) -> bool:
        """Tell whether the trunk's files are too many to check out: in a partial clone nobody knows."""
        if self.is_partial:
            return True
        sizes = (entry.size for entry in work.entries(f"origin/{self.history.trunk}", "-r"))
        return sum(int(size) for size in sizes if size.isdigit()) > LARGE


def _check_out(work: Bare, source: Source) -> None:
    """Have the trunk checked out; of a large one what a release reads, and what lies at the top."""
    trunk = source.history.trunk
    work.git("symbolic-ref", "refs/remotes/origin/HEAD", f"refs/remotes/origin/{trunk}")
    work.git("update-ref", f"refs/heads/{trunk}", f"refs/remotes/origin/{trunk}")
    if source.is_large(work):
        work.git("sparse-checkout", "set", "--cone", "--", *source.history.paths)
    work.git("reset", "--quiet", "--hard")


def _copy_own_file(source: Path, work: Bare) -> None:
    """Put the file as it is in the user's working tree, pushed or not, into the clone, where Git takes no notice."""
    if source.is_file():
        shutil.copy(source, work.path / source.name)
        if work.git("ls-files", "--", source.name).strip():
            work.git("update-index", "--skip-worktree", "--", source.name)
        else:
            info = work.path / ".git" / "info"
            info.mkdir(exist_ok=True)
            with (info / "exclude").open("a", encoding="utf-8") as exclude:
                exclude.write(f"/{source.name}\n")
