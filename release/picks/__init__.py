"""From the commits asked for to a release branch that has them.

prediction.py what picking a change would come to on each line, tried
steps.py       the picks of a call: begun, continued after a conflict or a kill, taken back
request.py     what a person asks for, as commits in the trunk's order
candidates.py  what could be picked, as a table
history.py     which commits a line has, itself or picked; what was reverted on it
worktree.py    Git's cherry-pick in a worktree of its own, which is all that remembers picks that stopped
plans.py       what is to be picked, and its branch; draft.py: a conflict put to a person as a draft pull request
push.py        what is left to pick, picked, and brought onto the release branch by a push or a pull request
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import late_modules

if TYPE_CHECKING:
    from release.picks import candidates, history, push, request, steps, worktree

__getattr__ = late_modules(__name__)
