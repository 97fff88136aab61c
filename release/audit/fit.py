"""What adopting gets wrong: settings that name what this repository or its workflows have not, each with its fix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from packaging.utils import canonicalize_name

from release.artifacts.images import image_in_config
from release.artifacts.oci import registry_url
from release.artifacts.version_file import folder_prefix, is_by_tag, project_data, version_file
from release.audit.adoption import S3
from release.call.context import Context
from release.errors import Usage
from release.git.objects import existing_paths
from release.git.remotes import is_loopback
from release.git.repository import repository
from release.git.snapshot import trunk
from release.git.tags import trunk_sha
from release.github.requests import FOLDER

PUSHES = re.compile(r"docker push|build-push-action|amazon-ecr-login")


@dataclass(frozen=True)
class Finding:
    """One line: `level` is good, advice or bad, `fix` the command or place that mends it."""

    name: str
    level: str
    says: str
    fix: str = ""


_misfit = partial(Finding, "settings")


def fit_findings(context: Context) -> Iterator[Finding]:
    """Check that the repository has what the settings name."""
    yield from list(_misfits(context)) or [_misfit("good", "the repository has what they name")]


def _misfits(context: Context) -> Iterator[Finding]:
    """Yield what the settings say and the trunk's commit does not have."""
    sha = trunk_sha(context)
    missing = list(_missing_paths(context, sha))
    yield from missing
    if not any("sdk.path" in each.says for each in missing):
        yield from _package_misfits(context, sha)
    if context.settings.image.config_file and not any("image.config_file" in each.says for each in missing):
        try:
            image_in_config(context, sha)
        except Usage as error:
            yield _misfit("bad", error.problem, error.hint or "Set image.config_variable in invoke.yaml.")
    prefix = context.settings.sdk.prefix
    if prefix and not prefix.endswith("/"):
        says = f"sdk.prefix {prefix!r} has no slash at its end: wheels would be beside it, not below"
        yield _misfit("bad", says, f"Set sdk.prefix: {prefix}/ in invoke.yaml.")
    yield from _publishing_misfits(context, sha)


def _missing_paths(context: Context, sha: str) -> Iterator[Finding]:
    settings = context.settings
    paths = {"sdk.path": settings.sdk.path, "image.config_file": settings.image.config_file}
    for name, part in settings.components.items():
        at = f"release.components.{name}"
        paths |= {f"{at}.path": part.path} if part.path == part.source_path else {f"{at}.interface": part.source_path}
    there = existing_paths(repository(context), sha, [path for path in paths.values() if path])
    for key, path in paths.items():
        if path and path not in there:
            yield _misfit("bad", f"{key}: {path} is not on {trunk(context)}", f"Set {key} in invoke.yaml, or push it.")


def _package_misfits(context: Context, sha: str) -> Iterator[Finding]:
    sdk, read = context.settings.sdk, partial(repository(context).file, sha)
    at = folder_prefix(sdk.path)
    named = str(project_data(read, sdk.path).get("project", {}).get("name") or sdk.package)
    places = [f"{at}{root}{sdk.package}" for root in ("", "src/")]
    if not sdk.package.isidentifier():
        right = sdk.package.replace("-", "_")
        yield _misfit(
            "bad", f"sdk.package: {sdk.package} cannot be imported", f"Set sdk.package: {right} in invoke.yaml."
        )
    elif not existing_paths(repository(context), sha, [*places, *(f"{place}.py" for place in places)]):
        yield _misfit("bad", f"sdk.package: no {sdk.package} below {sdk.path}", "Set sdk.package to what is imported.")
    elif canonicalize_name(named) != canonicalize_name(sdk.wheel_name):
        says = f"the wheel's name is {named}, not {sdk.wheel_name}"
        yield _misfit("bad", says, f"Set sdk.distribution: {named} in invoke.yaml.")
    found = version_file(read, sdk.path)
    if found and found.path != sdk.version_file:
        says = f"{found.path} fixes the wheel's version, {found.version}, whatever the tag says"
        yield _misfit(
            "bad", says, f"Set sdk.version_file: {found.path} in invoke.yaml, or take the version from the tag."
        )
    elif found is None and not is_by_tag(read, sdk.path):
        fix = "See that it is the tag's: inv sdk.build at one."
        yield _misfit("advice", "no file here tells where the wheel's version comes from", fix)


def _publishing_misfits(context: Context, sha: str) -> Iterator[Finding]:
    image, sdk = context.settings.image, context.settings.sdk
    text = (repository(context).file(sha, f"{FOLDER}/{sdk.workflow}") or b"").decode("utf-8", "replace")
    buckets = {name for name, _ in S3.findall(text)}
    if buckets and sdk.bucket not in buckets:
        says = f"{sdk.workflow} uploads to {', '.join(sorted(buckets))}, not to {sdk.bucket}"
        yield _misfit("bad", says, "Set sdk.bucket in invoke.yaml, or mend the workflow.")
    if image.registry == "ecr" or is_loopback(image.registry):
        return
    host = registry_url(image.registry).netloc
    for file in (image.workflow, context.settings.platform.workflow or "platform.yaml"):
        text = (repository(context).file(sha, f"{FOLDER}/{file}") or b"").decode("utf-8", "replace")
        if PUSHES.search(text) and host not in text:
            fix = "Write it for that registry (inv release.init --force), or set image.registry in invoke.yaml."
            yield _misfit("bad", f"{file} pushes elsewhere than to {host}, which image.registry names", fix)
