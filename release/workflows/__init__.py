"""What a workflow's file promises: whether a run of it would do what is wanted, and what starts it.

judgement    the door: `judge` a file (`Source`) for the inputs to be sent, the roles its jobs have to play and the
             rules of its inputs; `check_judgement` raises what it found
inputs       what `workflow_dispatch` takes, and without what a run is green and useless: `SDK`, `IMAGE`, `image_rules`
jobs         which jobs these inputs turn off, and what each is shown as
roles        the jobs that have to succeed; `check_roles` holds a run's jobs against them
permissions  what a job's own token may do
triggers     what a push starts, and whether a run can be asked for
expressions  GitHub's `${{ … }}`
yaml         the file as GitHub reads it: `document`, `InvalidYaml`

Pure: nothing here reads a file or asks GitHub. Other rooms enter through this one alone.
"""

from __future__ import annotations

from release.workflows import expressions
from release.workflows.inputs import IMAGE, SDK, Rule, image_rules
from release.workflows.judgement import Judgement, Source, check_judgement, judge
from release.workflows.permissions import PERMISSIVE, RESTRICTED, allows, excess, grants
from release.workflows.roles import check_roles, cut_name, is_on
from release.workflows.triggers import (
    can_be_dispatched,
    listens_to_push,
    paths_pass,
    ref_passes,
    skip_words,
    starts_on_push,
)
from release.workflows.yaml import InvalidYaml, document

__all__ = [
    "IMAGE",
    "PERMISSIVE",
    "RESTRICTED",
    "SDK",
    "InvalidYaml",
    "Judgement",
    "Rule",
    "Source",
    "allows",
    "can_be_dispatched",
    "check_judgement",
    "check_roles",
    "cut_name",
    "document",
    "excess",
    "expressions",
    "grants",
    "image_rules",
    "is_on",
    "judge",
    "listens_to_push",
    "paths_pass",
    "ref_passes",
    "skip_words",
    "starts_on_push",
]
