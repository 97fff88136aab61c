"""The actions that workflows here use, done natively whatever version they are pinned to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from release.sandbox.runner.actions.artifacts import download_artifact, upload_artifact
from release.sandbox.runner.actions.cache import cache, restore, save
from release.sandbox.runner.actions.checkout import checkout
from release.sandbox.runner.actions.docker import build_push, metadata
from release.sandbox.runner.actions.python import setup_python
from release.sandbox.runner.actions.script import github_script
from release.sandbox.runner.actions.tools import setup_tool
from release.sandbox.runner.machine import CLOUD_KEYS, ActionFailed, Inputs, Machine, Outputs
from release.workflows import expressions

Action = Callable[[Machine, Inputs, Mapping[str, str]], Outputs]
ACCOUNT = "123456789012"  # moto's


def run_action(machine: Machine, uses: str, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Do what an action does and return its outputs.

    Raises `Unsupported` for an action, or an input of one, that is not known here; `ActionFailed` when it fails.
    """
    name = uses.partition("@")[0].lower()
    if name not in _ACTIONS:
        raise expressions.Unsupported(f"the sandbox does not support the action {uses}")
    action, known = _ACTIONS[name]
    # What a later version may take is not: a rehearsal that leaves it out could show something else.
    if unknown := sorted(set(inputs) - set(known.split())):
        raise expressions.Unsupported(f"the sandbox does not support these inputs of {name}: {', '.join(unknown)}")
    return action(machine, inputs, env)


def _aws_credentials(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    check_identity(machine, inputs)
    own = machine.run.env
    endpoint = own.get("AWS_ENDPOINT_URL") or own.get("AWS_ENDPOINT_URL_S3")
    if not endpoint or not own.get("AWS_ACCESS_KEY_ID"):
        raise ActionFailed(
            "the sandbox's environment has no local AWS endpoint and credentials, and never asks the real one"
        )
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or inputs.get("aws-region", "us-east-1")
    machine.variables |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    machine.has_keys = True
    machine.log.write(f"The sandbox's own credentials are used, at {endpoint}")
    return {"aws-account-id": ACCOUNT}


def check_identity(machine: Machine, inputs: Mapping[str, str]) -> None:
    """Raise `ActionFailed`, in the action's words, where a job can get no credentials of AWS.

    On GitHub's own runners it has none: they are an input's, a variable's, or a role's that its identity may assume.
    """
    if not machine.is_hosted() or "aws-access-key-id" in inputs or CLOUD_KEYS[0] in machine.variables:
        return
    words = "Credentials could not be loaded, please check your action inputs: Could not load credentials from any"
    if "role-to-assume" not in inputs:
        raise ActionFailed(f"{words} providers")
    machine.check_grant("id-token", f"{words} providers")


def _ecr_login(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    return {"registry": ecr_host(env)}


def ecr_host(env: Mapping[str, str]) -> str:
    """Name the sandbox's ECR as AWS would."""
    return f"{ACCOUNT}.dkr.ecr.{env.get('AWS_REGION', 'us-east-1')}.amazonaws.com"


def _nothing(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    machine.log.write("Nothing is to be done in the sandbox")
    return {"name": "sandbox", "driver": "sandbox", "platforms": "linux/amd64,linux/arm64"}


def _app_token(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    token = str(machine.contexts["github"].get("token", ""))
    machine.log.mask(token)
    return {"token": token, "app-slug": "sandbox", "installation-id": "1"}


_CACHE = "path key restore-keys fail-on-cache-miss lookup-only enableCrossOsArchive upload-chunk-size save-always"
_BUILD = (
    "context file push load tags labels build-args platforms target outputs cache-from cache-to no-cache pull"
    " provenance sbom builder secrets ssh network annotations build-contexts shm-size allow github-token call"
)
_NODE = "node-version node-version-file registry-url scope cache cache-dependency-path always-auth check-latest token"
_CREDENTIALS = (
    "aws-region role-to-assume role-session-name role-duration-seconds audience mask-aws-account-id"
    " aws-access-key-id aws-secret-access-key"
)
# Name: what does it, the inputs it knows.
_ACTIONS: dict[str, tuple[Action, str]] = {
    "actions/checkout": (
        checkout,
        "ref repository token path fetch-depth fetch-tags persist-credentials clean show-progress set-safe-directory",
    ),
    "actions/setup-python": (setup_python, "python-version architecture check-latest update-environment cache"),
    "actions/upload-artifact": (
        upload_artifact,
        "name path if-no-files-found retention-days compression-level overwrite include-hidden-files",
    ),
    "actions/download-artifact": (download_artifact, "name path pattern merge-multiple"),
    "actions/cache": (cache, _CACHE),
    "actions/cache/restore": (restore, _CACHE),
    "actions/cache/save": (save, _CACHE),
    "actions/setup-node": (setup_tool("node", "--version"), f"{_NODE} package-manager-cache architecture mirror"),
    "actions/setup-go": (
        setup_tool("go", "version"),
        "go-version go-version-file check-latest cache cache-dependency-path architecture token",
    ),
    "actions/setup-java": (
        setup_tool("java", "-version"),
        "java-version java-version-file distribution java-package architecture cache check-latest server-id"
        " server-username server-password gpg-private-key gpg-passphrase settings-path overwrite-settings",
    ),
    "actions/github-script": (
        github_script,
        "script github-token debug user-agent previews result-encoding retries retry-exempt-status-codes base-url",
    ),
    "actions/create-github-app-token": (
        _app_token,
        "app-id client-id private-key owner repositories skip-token-revoke github-api-url",
    ),
    "docker/login-action": (_nothing, "registry username password ecr logout scope registry-auth"),
    "docker/setup-buildx-action": (
        _nothing,
        "version driver driver-opts buildkitd-flags buildkitd-config-inline install use endpoint platforms config"
        " buildkitd-config append name cache-binary cleanup keep-state",
    ),
    "docker/setup-qemu-action": (_nothing, "image platforms cache-image"),
    "docker/metadata-action": (
        metadata,
        "images tags flavor labels annotations sep-tags sep-labels context github-token",
    ),
    "docker/build-push-action": (build_push, _BUILD),
    "aws-actions/configure-aws-credentials": (_aws_credentials, _CREDENTIALS),
    "aws-actions/amazon-ecr-login": (_ecr_login, "registries mask-password registry-type"),
}
