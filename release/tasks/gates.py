"""The gate before an individual release: release.compat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import release
from release import audit, compat, git
from release.call.task import task

if TYPE_CHECKING:
    from release.audit.fit import Finding
    from release.audit.preview import Preview
    from release.call.context import Context
    from release.compat import Answer


@task(reads=True)
def ready(context: Context, line: str = "", accept: tuple[str, ...] = ()) -> list[Finding]:
    """Say go or no-go: may a release be made now.

    Example: inv release.ready --line 0.7
    """
    wanted = release.versions.parse_line(line, version_too=True) if line else None
    found = audit.readiness.check_gates(context, audit.readiness.release_plan(context, wanted), accept)
    context.report.line(f"Go: inv release.{f'patch --line {wanted}' if wanted else 'minor'}")
    return found


@task(writes=("comment",), reads=True)
def preview(context: Context, pr: str = "", comment: bool = False) -> Preview:
    """Tell what merging a pull request means, on each line.

    Example: inv release.preview --pr 123
    """
    found = audit.preview.preview(context, audit.preview.change_of(context, pr))
    audit.preview.show_preview(context, found)
    if comment:
        audit.preview.comment_preview(context, found)
    return found


@task(reads=True)
def compat_(context: Context, name: str = "", ref: str = "", line: str = "") -> list[Answer]:
    """Tell whether a component still fits its line.

    Example: inv release.compat --name sdk --ref HEAD
    """
    part = context.settings.component(name)
    wanted = release.versions.parse_line(line, version_too=True) if line else compat.current_line(context)
    sha = git.choice.named_commit(context, ref) if ref else git.tags.trunk_sha(context)
    answers = compat.gate(context, part, sha, git.tags.tagged_releases(context, wanted))
    compat.show_answers(context, answers)
    compat.check_open(context, part, sha, wanted, answers)
    return answers
