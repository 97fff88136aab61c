"""What an action fails without: permissions of the job's token, and credentials of the cloud."""

from __future__ import annotations

from collections.abc import Mapping

from release.sandbox.runner.machine import ActionFailed, Inputs, Machine
from release.sandbox.runner.permissions import covers

KEY = "AWS_ACCESS_KEY_ID"
NO_PROVIDER = "Could not load credentials from any providers"
NO_CREDENTIALS = f"Credentials could not be loaded, please check your action inputs: {NO_PROVIDER}"
NO_OIDC = "It looks like you might be trying to authenticate with OIDC. Did you mean to set the `id-token` permission?"


def check_cloud_credentials(machine: Machine, inputs: Mapping[str, str], env: Mapping[str, str]) -> None:
    """Raise `ActionFailed` unless keys are given, or a role with the permission to ask for it (`id-token: write`).

    What a secret holds is not known here: that it is named counts.
    """
    if "aws-access-key-id" in inputs or env.get(KEY):
        return
    if "role-to-assume" in inputs and covers(machine.permissions.get("id-token"), "write"):
        return
    said = f"{NO_OIDC}\n" if "role-to-assume" in inputs else ""
    raise ActionFailed(f"{said}{NO_CREDENTIALS}")


def uses_own_token(machine: Machine, given: str) -> bool:
    """Tell whether a token that an action is given is the job's own, as it is where none is given."""
    return given in ("", str(machine.contexts["github"].get("token", "")))


def check_checkout(machine: Machine, inputs: Inputs) -> None:
    """Raise `ActionFailed` where the job's own token cannot read the repository."""
    grants = machine.run.grants
    if grants.issue is None or not grants.is_private or not uses_own_token(machine, inputs.get("token", "")):
        return
    if not covers(machine.permissions.get("contents"), "read"):
        github = machine.contexts["github"]
        place = f"{github.get('server_url', '')}/{github.get('repository', '')}/"
        raise ActionFailed(f"remote: Repository not found.\nfatal: repository '{place}' not found")
