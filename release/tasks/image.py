"""The runner image: image.bump, dispatch, watch, check, pr, release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import artifacts, git, github
from release.call.flags import IMAGE_RUN, ImageRun
from release.call.task import task

if TYPE_CHECKING:
    from release.call.context import Context
    from release.git.refs import RemoteRef
    from release.github.pulls import PullRequest
    from release.github.requests import Dispatch
    from release.github.runs import Run


@task(writes=True)
def bump(context: Context, version: str = "") -> RemoteRef:
    """Set the version in config.py here, commit and push it.

    Example: inv image.bump --version 0.7.0
    """
    git.snapshot.remote(context).look_at_all()  # the trunk's name costs that much
    wanted = git.choice.chosen_version(context, version)
    git.withdrawals.check_not_withdrawn(context, wanted)
    found = artifacts.image_release.bump_checked_out(context, wanted)
    context.report.record(branch=git.refs.short_name(found), sha=found.sha)
    return found


@task(writes=True)
def dispatch(context: Context, version: str = "", ref: str = "", flags: ImageRun = IMAGE_RUN) -> tuple[Run, Dispatch]:
    """Start the image workflow on its branch, once.

    Example: inv image.dispatch --version 0.7.0
    """
    wanted = artifacts.image_release.image_to_make(context, version)
    head = artifacts.image_release.image_head(context, wanted, ref)
    request = artifacts.image_release.image_run(context, wanted, head, flags.build_base)
    return artifacts.image_release.dispatch_images(context, request, wanted, flags), request


@task(reads=True, waits=True, reruns=True)
def watch(context: Context, version: str = "", ref: str = "", run: str = "") -> Run:
    """Follow the image workflow's run to its end.

    Example: inv image.watch --version 0.7.0 --timeout 3600
    """
    wanted = artifacts.image_release.image_version(context, version)
    head = artifacts.image_release.image_head(context, wanted, ref)
    request = artifacts.image_release.image_run(context, wanted, head)
    started = github.dispatch.existing_run(context, request, github.runs.parse_run_id(run))
    ended = github.follow.watch_run(context, "image", started, request)
    artifacts.image_release.plan_images(context, wanted, ended)
    return ended


@task(reads=True)
def check(context: Context, version: str = "") -> None:
    """Prove that every image is in the registry.

    Example: inv image.check --version 0.7.0
    """
    artifacts.images.check_runner_images(context, artifacts.image_release.image_version(context, version))


@task()
def smoke(context: Context, version: str = "") -> None:
    """Start every image and run what shows its version.

    Example: inv image.smoke --version 0.7.0
    """
    wanted = artifacts.image_release.image_version(context, version)
    artifacts.smoke.smoke_images(context, wanted, ())


@task(writes=True, waits=True)
def pr(context: Context, version: str = "", ref: str = "", merge: bool = False) -> PullRequest:
    """Open the image's pull request; --merge merges it.

    Example: inv image.pr --version 0.7.0 --merge
    """
    wanted = artifacts.image_release.image_to_make(context, version)
    head = artifacts.image_release.image_head(context, wanted, ref)
    if merge:
        github.pulls.merge_method(context, git.snapshot.trunk(context))  # without one, nothing is begun
    opened = artifacts.image_release.open_image_pull_request(context, wanted, head)
    return github.pulls.merge_pull_request(context, opened, head.sha) if merge else opened


@task(writes=True, waits=True, reruns=True)
def release(context: Context, version: str = "", flags: ImageRun = IMAGE_RUN) -> str:
    """Bump, build, prove every image, merge its pull request.

    Example: inv image.release --version 0.7.0
    """
    wanted = artifacts.image_release.image_to_make(context, version)
    on_trunk = git.repository.repository(context).branch() in (git.snapshot.trunk(context), None)
    return artifacts.image_release.release_image(context, wanted, on_trunk, flags)
