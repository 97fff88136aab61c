"""The demo's second half: the SDK released alone, and an SDK that is refused."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from release.errors import Blocked, Failed
from release.sandbox.demo import type_task

if TYPE_CHECKING:
    from release.call.context import Context
    from release.sandbox.sample.story import Edit
    from release.sandbox.world import Sandbox

_CLIENT = "sdk/leptonai/client.py"
FOUND_BY_NAME = (
    _CLIENT,
    "    def create_photon(self, name, model):\n",
    '''    def photon(self, name):
        """Return the photon of that name, or None."""
        return next((photon for photon in self.photons() if photon["name"] == name), None)

    def create_photon(self, name, model):
''',
)


RENAMED = (_CLIENT, "    def remove(self, name):\n", "    def delete(self, name):\n")


_PERSON = {"NAME": "Ana Field", "EMAIL": "ana@example.org"}


WHY = "the backend's description is the one of 0.7.0, read by hand"


def demo_component(context: Context, sandbox: Sandbox) -> None:
    """Release the SDK alone from a trunk that moved on, then try to when its API broke.

    Wants a coordinated release in the sandbox, made from the trunk. Where griffe is missing on this machine the gate
    cannot tell, which is shown, and answered for with --accept. The backend's description is the same, so nothing
    depends on oasdiff.
    """
    release = ("release.component", "--name", "sdk", "--yes")
    context.report.line()
    context.report.line("The SDK alone. Somebody merges into the trunk: feat: find a photon by its name (#16)")
    merge_into_trunk(sandbox, "feat: find a photon by its name (#16)", FOUND_BY_NAME)
    griffe = find_spec("griffe") is not None
    if not griffe:
        type_task(context, sandbox, *release, code=Blocked.exit_code)
        context.report.line("This machine has no griffe, so a person answers for it:")
    type_task(context, sandbox, *release, *(() if griffe else ("--accept", WHY)))
    context.report.line()
    context.report.line("Somebody merges a change that breaks callers: feat: call it delete (#17)")
    before = set(sandbox.bare.refs("refs/tags"))
    merge_into_trunk(sandbox, "feat: call it delete (#17)", RENAMED)
    type_task(context, sandbox, *release, code=Blocked.exit_code)
    if set(sandbox.bare.refs("refs/tags")) != before:
        raise Failed("a refused release left a tag")
    context.report.line("Refused, and nothing was written. What the tag of the one that was released says:")
    newest = sandbox.bare.git("for-each-ref", "--sort=-creatordate", "--count=1", "--format=%(contents)", "refs/tags")
    context.report.lines(newest.strip().splitlines())


def merge_into_trunk(sandbox: Sandbox, title: str, *edits: Edit) -> str:
    """Put a commit onto the trunk, as a merged pull request would; return its sha. Writes the remote alone.

    An edit of nothing writes the whole file.
    """
    bare, trunk = sandbox.bare, "refs/heads/main"
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        bare.git("read-tree", trunk, **index)
        for path, old, new in edits:
            before = bare.git("cat-file", "blob", f":{path}", **index) if old else ""
            if old and before.count(old) != 1:
                raise ValueError(f"{path} does not hold {old!r} once")
            blob = bare.git("hash-object", "-w", "--stdin", text=before.replace(old, new) if old else new).strip()
            bare.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", **index)
        tree = bare.git("write-tree", **index).strip()
    who = {f"GIT_{role}_{part}": text for role in ("AUTHOR", "COMMITTER") for part, text in _PERSON.items()}
    sha = bare.git("commit-tree", "-p", trunk, "-m", title, tree, **who).strip()
    bare.update_ref(trunk, sha)
    sandbox.github.hub.known_refs[trunk] = sha
    return sha
