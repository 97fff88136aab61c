"""What to pick onto a line, and the branch on which it goes by a pull request."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from release.git.refs import RemoteRef
from release.git.repository import Repository
from release.picks.request import Pick
from release.picks.worktree import Outcome, cherry_pick
from release.versions import Line


@dataclass(frozen=True)
class PickPlan:
    """What to pick, in order, onto the head of the line's release branch.

    With `via_pr` it goes by a pull request, a `draft` where it conflicts.
    """

    line: Line
    head: RemoteRef
    trunk: RemoteRef
    picks: tuple[Pick, ...]
    via_pr: bool = False
    draft: bool = False

    @property
    def shas(self) -> list[str]:
        """The commits to pick."""
        return [pick.sha for pick in self.picks]

    def pick_in(self, repo: Repository, path: Path) -> Outcome:
        """Cherry-pick them in the worktree; the parent that merges' changes are against is one for all of a call."""
        return cherry_pick(repo, path, self.shas, max(pick.mainline for pick in self.picks))


def backport_branch(plan: PickPlan) -> str:
    """Return the backport branch of the plan: the same for the same commits, so that it is found again."""
    shas = plan.shas
    digest = shas[0] if len(shas) == 1 else hashlib.sha256("\n".join(shas).encode()).hexdigest()
    return f"backport/{plan.line}/{digest[:9]}"
