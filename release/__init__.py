"""Release a backend, a web frontend and a Python SDK from one Git repository, as Invoke tasks.

`namespace` is what another repository's `tasks.py` imports. The modules, outermost first:

tasks       tasks (the flat set of them) and what each namespace holds:
            release, pipelines, pick, patch, component, compat, notes, status, verify, doctor, init; sdk; image;
            platform; sandbox/
task edge   cli (a recipe becomes an Invoke task), settings, settings_help, world (what one call works with),
            notices (who is told), actions (what holds in GitHub Actions alone)
rules       ensure (every write), follow and pace (every wait), binding and contracts (every dispatch),
            merging and required (every merge)
the world   lines, bumps, named (refs) · wanted, backported, candidates, landing, picks, conflicts, backport,
            checks, line_image (patches) · runs, outcomes, artifacts, tag_workflows, triggers · pulls ·
            published (S3), pushed (registry) · github_releases · parts, tagged, blobs (components) ·
            proofs, claims, receipt, signatures (verify) · overview, standing, page, timeline (status) ·
            checkup, checkup_places (doctor)
doors       repo (Git), github (HTTP), aws (S3, ECR), oci and oci_auth (any registry), packages (pip),
            programs (others), report (all output), parallel (reads side by side)
values      versions, constants, wheels, roles, refs, git_words, web, ref_filters, errors ·
            workflows, workflow_* and expression* (what a workflow's file promises) ·
            components, interfaces, verdicts, sources, python_*, openapi, command (what breaks an API)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invoke.collection import Collection

    namespace: Collection


def __getattr__(name: str) -> Collection:
    """Build `namespace` when a task file asks for it, so that importing a helper module loads no tasks."""
    if name != "namespace":
        raise AttributeError(name)
    from release.tasks import namespace

    return namespace
