"""What actions would do: a table from an action to its effect and its outputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from release.sandbox.git import GitError
from release.sandbox.runner.actions import ACCOUNT, check_identity, ecr_host
from release.sandbox.runner.actions.artifacts import download_artifact, upload_artifact
from release.sandbox.runner.actions.docker import entries, is_tag_rule, lines, metadata
from release.sandbox.runner.machine import ActionFailed
from release.sandbox.simulation.effects.bucket import aws
from release.sandbox.simulation.effects.deliveries import push_image
from release.sandbox.simulation.effects.images import pushes
from release.sandbox.simulation.shell import Command, State
from release.sandbox.simulation.unknown import is_known, shown, unknown
from release.sandbox.simulation.work import ALL_TAGS, NO_TAG, CommitTree, Refused, Work
from release.workflows import expressions

Inputs = Mapping[str, str]
Outputs = Mapping[str, str]
Action = Callable[[Work, Inputs, Mapping[str, str]], Outputs]
_TAG = "refs/tags/"


def run_action(work: Work, uses: str, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Do what an action would do and return its outputs; what is not known of them is undecided."""
    name = uses.partition("@")[0].lower()
    if name in _ACTIONS:
        return _ACTIONS[name](work, inputs, env)
    work.machine.has_keys |= not name.startswith(_NO_LOGINS)  # who can tell what another one logs in to?
    _check_grants(work, name, inputs)
    if re.search(r"/(?:\w+-)?(?:setup|cache|login|install)\b", name) or name in _LISTED:
        work.tell(0, f"{uses}: {_LISTED.get(name, 'sets up the job')}", "listed")
        return expressions.Partial()
    work.opaque = True
    work.tell(0, f"what the action {uses} does", "untold")
    return expressions.Partial()


def _checkout(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    run, ref = work.machine.run, inputs.get("ref", "")
    work.git_token |= bool(inputs.get("token") or inputs.get("ssh-key"))
    repository = str(work.machine.contexts["github"].get("repository", ""))
    other = inputs.get("repository", "")
    if other and other.lower() != repository.lower():
        work.tell(0, f"check out another repository, {other}", "listed")
        return expressions.Partial()
    work.machine.check_checkout(inputs.get("token", ""))
    sha = run.sha if not ref or ref in (run.ref, run.ref.split("/", 2)[-1]) else _commit(work, ref)
    folder = "" if inputs.get("path", ".") in (".", "./") else f"{PurePosixPath(inputs['path'])}/"
    whole = inputs.get("fetch-depth") == "0" or inputs.get("fetch-tags") == "true"
    own = run.ref.removeprefix(_TAG) if run.ref.startswith(_TAG) and sha == run.sha else NO_TAG
    work.checkout_tag = ALL_TAGS if whole else own
    work.files.check_out(CommitTree(work.means.bare, sha, folder))
    (work.machine.workspace / folder).mkdir(parents=True, exist_ok=True)
    work.tell(0, f"check out {sha[:7]}", "listed")
    return {"ref": run.ref, "commit": sha}


def _commit(work: Work, ref: str) -> str:
    if not is_known(ref):
        work.tell(0, f"which commit {ref} is: taken as the run's", "untold")
        return work.machine.run.sha
    try:
        sha = work.means.bare.sha(ref)
    except GitError:
        sha = None
    if sha is None:
        raise Refused(f"A branch or tag with the name '{ref}' could not be found")
    return sha


def _python(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    version = inputs.get("python-version", "3.x")
    work.machine.variables["PYTHON_VERSION"] = version
    work.tell(0, f"set up Python {version}", "listed")
    return expressions.Partial({"python-version": version})


def _upload(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    name, path = inputs.get("name", "artifact"), inputs.get("path", "")
    given = {**inputs, "name": shown(name), "path": path if is_known(path) else "dist"}
    try:
        found = upload_artifact(work.machine, {**given, "if-no-files-found": "error"}, env)
    except ActionFailed:
        if not (work.opaque and re.search(r"whl|wheel|dist", path)) and is_known(path):
            work.tell(0, f"upload {path}, as the artifact {name}", "listed")
            return upload_artifact(work.machine, given, env) if not work.opaque else expressions.Partial()
        folder = PurePosixPath(re.split(r"[*\n]", given["path"])[0] or "dist")
        wheel = work.put_wheel(str(folder.parent if folder.suffix else folder))
        work.tell(0, f"which files {path} is: taken as {wheel.name}", "untold")
        found = upload_artifact(work.machine, {**given, "path": str(wheel)}, env)
    work.tell(0, f"upload {path} as the artifact {name}", "effect")
    return found


def _download(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    known = {key: value for key, value in inputs.items() if is_known(value) and key in _DOWNLOADS}
    found = download_artifact(work.machine, known, env)
    work.tell(0, f"download the artifact {inputs.get('name') or inputs.get('pattern') or 'of each name'}", "effect")
    return found


_DOWNLOADS = ("name", "path", "pattern", "merge-multiple")


def _credentials(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    check_identity(work.machine, inputs)
    work.machine.has_keys = True
    region = inputs.get("aws-region", "us-east-1")
    work.machine.variables |= {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    work.tell(0, "take AWS credentials", "listed")
    return {"aws-account-id": ACCOUNT}


def _ecr(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    work.tell(0, "log in to ECR", "listed")
    return {"registry": ecr_host(env)}


def _build_push(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    names = re.split(r"[\s,]+", inputs.get("tags", "").strip())
    push = inputs.get("push", "false")
    made_of = {key: shown(inputs.get(key, "")) for key in ("build-args", "context", "file", "target")}
    for name in filter(None, names):
        work.images[name] = made_of
    if push != "true" and is_known(push) and not pushes(inputs.get("outputs", "")):
        work.tell(0, f"build {', '.join(names)}, and push nothing", "listed")
        return expressions.Partial()
    for name in filter(None, names):
        push_image(work, 0, name, made_of, certain=is_known(push))
    return expressions.Partial()


def _metadata(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Name the tags as docker/metadata-action does; a rule that cannot be told gives one that is unknown."""
    rules = lines(inputs.get("tags", ""))
    told = [rule for rule in rules if is_known(rule) and is_tag_rule(rule)]
    found: Outputs = {"tags": "", "version": ""}
    if told or not rules:
        found = metadata(work.machine, {**inputs, "tags": "\n".join(told)}, dict(env))
    others = [f"{image}:{unknown(rule)}" for image in entries(inputs.get("images", "")) for rule in rules
              if rule not in told]  # fmt: skip
    names = [*filter(None, found["tags"].splitlines()), *others]
    work.tell(0, f"name the image {', '.join(names)}", "listed")
    return expressions.Partial({**found, "tags": "\n".join(names)})


def _login(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    own = str(work.machine.contexts["github"].get("token", ""))
    registry = inputs.get("registry", "docker.io")
    work.machine.has_keys |= registry != "ghcr.io"
    work.own_login |= registry == "ghcr.io" and own != "" and inputs.get("password") == own
    work.tell(0, f"log in to {registry}", "listed")
    return {}


def _check_grants(work: Work, name: str, inputs: Inputs) -> None:
    """Raise `ActionFailed`, in the action's own words, where it needs more than the job's token may."""
    scopes, words = _NEEDS.get(name, ((), ""))
    for scope in scopes if "token" not in inputs else ():
        work.machine.check_grant(scope, words)


_REFUSED = "Resource not accessible by integration"
_NO_IDENTITY = "Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable"
_NEEDS = {
    **dict.fromkeys(
        ("softprops/action-gh-release", "actions/create-release", "ncipollo/release-action"), (("contents",), _REFUSED)
    ),
    "actions/attest-build-provenance": (("id-token", "attestations"), _NO_IDENTITY),
    "actions/attest": (("id-token", "attestations"), _NO_IDENTITY),
}
_NO_LOGINS = ("actions/", "codecov/", "docker/setup", "slackapi/", "softprops/", "ncipollo/")


def _pypi(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    if not inputs.get("password"):
        work.machine.check_grant("id-token", "OpenID Connect token retrieval failed")
    folder = inputs.get("packages-dir") or inputs.get("packages_dir") or "dist"
    work.tell(0, f"upload {folder}/ to a package index, which the sandbox has not", "listed")
    return {}


def _s3(source: str, target: Callable[[Inputs, Mapping[str, str]], str], *words: str) -> Action:
    """Make an action of one that does what `aws s3` does."""

    def act(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
        """Copy what the action's inputs name."""
        where = inputs.get(source) or env.get(source) or "."
        state = State(work.files, opaque=work.opaque)
        for each in work.files.paths(".", where) or [where]:
            done = aws(work, Command(["aws", "s3", *words, each, target(inputs, env)], 0, state))
            if done.code:
                raise Refused(f"there is no file {where}")
        return {}

    return act


def _synced(inputs: Inputs, env: Mapping[str, str]) -> str:
    return f"s3://{env.get('AWS_S3_BUCKET', '')}/{env.get('DEST_DIR', '')}"


def _key_below(bucket: str, folder: str) -> Callable[[Inputs, Mapping[str, str]], str]:
    def target(inputs: Inputs, env: Mapping[str, str]) -> str:
        """Name a folder of the bucket."""
        below = inputs.get(folder, "").strip("/")
        return f"s3://{inputs.get(bucket, '')}/{below}{'/' if below else ''}"

    return target


def _inspected(work: Work, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    wheel = work.put_wheel("dist")
    upload_artifact(work.machine, {"name": "Packages", "path": str(wheel)}, env)
    work.tell(0, f"build {wheel.name}, and upload it as the artifact Packages", "effect")
    return {"dist": str(wheel.parent), "artifact-name": "Packages"}


_ACTIONS: dict[str, Action] = {
    "actions/checkout": _checkout,
    "actions/download-artifact": _download,
    "actions/setup-python": _python,
    "actions/upload-artifact": _upload,
    "aws-actions/amazon-ecr-login": _ecr,
    "aws-actions/configure-aws-credentials": _credentials,
    "docker/build-push-action": _build_push,
    "docker/login-action": _login,
    "docker/metadata-action": _metadata,
    "hkusu/s3-upload-action": _s3("file-path", _key_below("aws-bucket", "destination-dir"), "cp"),
    "hynek/build-and-inspect-python-package": _inspected,
    "jakejarvis/s3-sync-action": _s3("SOURCE_DIR", _synced, "sync"),
    "prewk/s3-cp-action": _s3("source", lambda inputs, env: inputs.get("dest", ""), "cp"),
    "pypa/gh-action-pypi-publish": _pypi,
    "shallwefootball/s3-upload-action": _s3("source_dir", _key_below("aws_bucket", "destination_dir"), "sync"),
}
_LISTED = {
    "actions/cache": "keeps files between runs",
    "actions/create-github-app-token": "takes a token of an app",
    "actions/attest-build-provenance": "attests what was built",
    "softprops/action-gh-release": "publishes a GitHub Release",
    "actions/create-release": "publishes a GitHub Release",
    "ncipollo/release-action": "publishes a GitHub Release",
    "docker/setup-buildx-action": "sets up the job",
    "docker/setup-qemu-action": "sets up the job",
    "codecov/codecov-action": "uploads coverage",
    "slackapi/slack-github-action": "tells people",
}
