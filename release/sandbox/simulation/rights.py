"""What a step that is simulated may do, by the job's permissions and the credentials that it took."""

from __future__ import annotations

from collections.abc import Mapping

from release.sandbox.runner.actions.rights import KEY, uses_own_token
from release.sandbox.runner.permissions import covers
from release.sandbox.simulation.work import Work


def has_cloud_keys(work: Work, line: int, env: Mapping[str, object]) -> bool:
    """Tell whether a step has credentials of AWS: its own machine's, and what is not read, are taken to have some."""
    if env.get(KEY) or work.env.get(KEY) or work.opaque:
        return True
    if _is_self_hosted(work):
        work.tell(line, "whether the runner's own machine has AWS credentials: taken as there", "untold")
        return True
    return False


def _is_self_hosted(work: Work) -> bool:
    labels = work.machine.job.spec.get("runs-on")
    named = labels.get("labels", []) if isinstance(labels, Mapping) else labels
    return "self-hosted" in (named if isinstance(named, list) else [named])


def lacks(work: Work, kind: str, token: str) -> bool:
    """Tell whether a step writes with the job's own token, and that may not."""
    grants = work.machine.run.grants
    if grants.issue is None or not uses_own_token(work.machine, token):
        return False
    return not covers(work.machine.permissions.get(kind), "write")
