"""The platform: platform.watch, check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import artifacts, git, github
from release.call.task import task

if TYPE_CHECKING:
    from release.call.context import Context


@task(reads=True, waits=True, reruns=True)
def watch(context: Context, version: str = "") -> None:
    """Follow what the tag's push started to its end.

    Example: inv platform.watch --version 0.7.0
    """
    tag = git.tags.needed_tag(context, git.choice.tagged_version(context, version))
    for finished in github.follow.follow_runs(context, github.events.started_runs(context, tag)).values():
        github.runs.check_run(context, finished, github.requests.platform_request(tag, finished.name))
        context.report.step(
            "note", f"run {finished.id} of {finished.name}: {github.runs.status_text(finished)}", url=finished.url
        )


@task(reads=True)
def check(context: Context, version: str = "") -> None:
    """Prove that every platform image has the tag.

    Example: inv platform.check --version 0.7.0
    """
    wanted = git.choice.tagged_version(context, version)
    artifacts.images.check_tagged_images(context, wanted, context.settings.platform.images, "the platform")
