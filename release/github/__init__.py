"""GitHub's API: the only requests.

http.py        the one door to HTTP, for others' servers too; api.py: one repository's REST API
requests.py    which run a release asks for; dispatch.py: the run that counts for it, or asked for once
lease.py       who may ask for one now, of several at one moment
events.py      what a push or a tag starts, and with whose token
runs.py        runs, jobs and artifacts, and what became of them; follow.py: the wait for them
approvals.py   what a run waits for: people, timers, the runs ahead of it
commits.py     which history holds a commit; its checks, its branch's rules, and the wait for both
places.py      which commit a tag may sit on, and where a release branch was cut
burned.py      a version's tag pushed, and the names that GitHub gives out no more
pulls.py       pull requests, opened and merged; releases.py: GitHub Releases
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import late_modules

if TYPE_CHECKING:
    from release.github import (
        api,
        approvals,
        burned,
        commits,
        dispatch,
        events,
        follow,
        lease,
        places,
        pulls,
        releases,
        requests,
        runs,
    )

__getattr__ = late_modules(__name__)
