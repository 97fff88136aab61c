"""Picks onto a release line: release.pick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import git, picks
from release.call.flags import AFRESH, NO_LIST, NOTHING, Listing, PickRequest, Resume
from release.call.task import task
from release.errors import Usage

if TYPE_CHECKING:
    from release.call.context import Context


@task(
    writes=(
        "commit",
        "pr",
        "continue_",
        "abort",
    ),
    reads=True,
    waits=True,
)
def pick(
    context: Context,
    line: str = "",
    wanted: PickRequest = NOTHING,
    listing: Listing = NO_LIST,
    resume: Resume = AFRESH,
) -> None:
    """Cherry-pick onto a line; --candidates lists.

    Example: inv release.pick --line 0.7 --commit abc1234 --pr 123
    """
    if resume.abort and resume.continue_:
        raise Usage("--continue and --abort are two things", "Give one: --continue goes on, --abort takes back")
    if resume.abort:
        picks.steps.take_back(context, line)
    elif resume.continue_:
        head = picks.steps.resume_picks(context, line, wanted.via_pr)
        picks.steps.settle_patch(context, head)
        context.report.line(f"Then release them: inv release.patch --line {git.refs.short_name(head).split('-')[1]}")
    elif listing.candidates:
        picks.candidates.show_candidates(context, git.choice.chosen_line(context, line), listing)
    else:
        picks.steps.settle_patch(
            context, picks.steps.pick_commits(context, git.choice.chosen_line(context, line), wanted)
        )
