"""What each flag is for, and the groups of flags that several tasks share: tuples, since a listing loads them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

HELP = {
    "abort": "take back the picks that stopped",
    "accept": "release it although the gate does not open, for this REASON",
    "again": "start a new run although there is one",
    "attach": "attach the receipt to the GitHub Release",
    "build_base": "push the base images again, which have no version",
    "bump": "minor, major or patch",
    "candidates": "list what is on the trunk and not on the line",
    "check": "tell what differs from what would be written, and write nothing",
    "checks": "leave the branch's checks out: branch and tag in one push",
    "command": "run this in the shell and end with its exit code",
    "comment": "what to say with the review",
    "commit": "a commit of the trunk to pick; repeat it for more",
    "continue_": "go on with the picks that stopped",
    "component": "then release the SDK alone",
    "download": "save the wheel in this folder",
    "draft": "with --via-pr: put a conflict to a person as a draft pull request",
    "environment": "the environment to review, where a run waits for several",
    "execute": "really run the workflows' steps, each confined",
    "fail": "a job that shall fail once, by its name; repeat it for more",
    "force": "write over what is there",
    "protect": "write no files: set rulesets, immutable releases, the bucket's and the registry's own protection",
    "hide": "move its wheel to withdrawn/ too",
    "here": "of this repository, in place of the demo's",
    "html": "write a page of it to this file",
    "last": "how many versions to show",
    "publish": "publish it once everything else is proved",
    "image": "build the runner image of this version too",
    "json": "one JSON object a line",
    "kill_after": "kill the call after this write: push, dispatch, merge or tag",
    "keep_order": "pick in the order given, not in the trunk's",
    "label": "only those whose pull request has this label",
    "lag": "seconds by which GitHub's answers shall lag",
    "line": "the line, such as 0.7",
    "mainline": "the parent a merge commit's change is against, such as 1",
    "merge": "merge it once it may be",
    "message": "the tag's message",
    "name": "the component, such as backend, web or sdk",
    "offline": "read nothing of the real world",
    "out": "the folder for the wheel",
    "path": "only those that touch this path",
    "plan": "in a dry run write the plan to this file; else follow it, and stop where it does not hold",
    "pr": "a merged pull request to pick, by its number; repeat it for more",
    "prefix": "the key's prefix, such as release/",
    "patch": "then release a patch with a conflict",
    "publish_pypi": "publish to PyPI too",
    "python": "the interpreter to test with, such as 3.12",
    "reason": "why it is taken back",
    "receipt": "write the receipt, or compare with the one in this file",
    "ref": "the commit or branch to do it on",
    "refuse_push": "the branches and tags whose pushes shall be refused; repeat it for more",
    "reject": "reject it: its job fails",
    "rerun_failed": "have GitHub run the failed jobs once more",
    "root": "upload to the bucket's root, as no release",
    "run": "the run to take, by its id",
    "run_e2e": "run the end-to-end tests too",
    "shared": "other versions may be tagged at the same commit",
    "sign": "sign the tag",
    "skip": "leave out the versions before this one",
    "since": "only those from this day on, such as 2026-11-01",
    "task": "what to rehearse, as typed after inv",
    "timeout": "seconds until a wait gives up, exit 4",
    "undo": "put it back as it was",
    "version": "strict SemVer such as 0.7.0, without a v",
    "via_pr": "go by a pull request, where the release branch is protected",
    "watch": "keep it up to date until Ctrl-C, or for --timeout seconds",
    "wheel": "the wheel's file",
    "yes": "write without asking",
}
typed: dict[str, list[Any]] = {}
"""The flags of all tasks of this call, each with the values typed: invoke reads the whole call before it runs any."""


class Kind(NamedTuple):
    """What a task does: `writes` always (True), never (False), or when one of these flags is given.

    A task that writes gets --yes, and asks once; one that may only read gets --json; `waits` gives it --timeout,
    `reruns` --rerun-failed, one that `numbers` a release --skip, one that `plans` --plan, and of one that `announces`
    people are told.
    """

    writes: bool | tuple[str, ...] = False
    reads: bool = False
    waits: bool = False
    reruns: bool = False
    numbers: bool = False
    announces: bool = False
    plans: bool = False

    @property
    def flags(self) -> dict[str, object]:
        """The flags that the kind brings, with their defaults."""
        given: dict[str, tuple[bool, object]] = {
            "json": (self.reads, False),
            "yes": (bool(self.writes) or self.reruns, False),
            "timeout": (self.waits, ""),
            "rerun_failed": (self.reruns, False),
            "skip": (self.numbers, False),
            "plan": (self.plans, ""),
        }
        return {name: default for name, (has, default) in given.items() if has}


class PickRequest(NamedTuple):
    """What to pick, as flags say it, and how."""

    commit: tuple[str, ...] = ()
    pr: tuple[str, ...] = ()
    mainline: str = ""
    keep_order: bool = False
    via_pr: bool = False
    draft: bool = False

    @property
    def anything(self) -> bool:
        """Whether any commit is asked for."""
        return bool(self.commit or self.pr)


class Listing(NamedTuple):
    """The candidates to show: all, or those of labels, from a day on, or that touch paths."""

    candidates: bool = False
    label: tuple[str, ...] = ()
    since: str = ""
    path: tuple[str, ...] = ()


class Resume(NamedTuple):
    """What to do with picks that stopped."""

    continue_: bool = False
    abort: bool = False


class SdkRun(NamedTuple):
    """Which run of the SDK workflow is meant: what it does beside the settings' inputs, a new one, or that of an id."""

    publish_pypi: bool = False
    run_e2e: bool = False
    again: bool = False
    run: str = ""


class ImageRun(NamedTuple):
    """Which run of the image workflow is meant: a new one, that of an id, or one that pushes the base images too."""

    again: bool = False
    run: str = ""
    build_base: bool = False


class Rehearsal(NamedTuple):
    """How to rehearse: with steps that really run, without the real world, and what shall go wrong on purpose."""

    execute: bool = False
    offline: bool = False
    fail: tuple[str, ...] = ()
    lag: str = ""
    kill_after: str = ""
    refuse_push: tuple[str, ...] = ()
    plan: str = ""


NOTHING, NO_LIST, AFRESH, SDK_RUN, IMAGE_RUN = PickRequest(), Listing(), Resume(), SdkRun(), ImageRun()
REHEARSAL = Rehearsal()


def parameters_of(recipe: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the recipe's parameters after its context: each a flag, or a group of flags."""
    return list(inspect.signature(recipe).parameters.values())[1:]
