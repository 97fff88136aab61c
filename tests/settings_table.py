"""What each setting means, and the table of them all for people. Pure."""

from __future__ import annotations

import json

from release.settings import DEFAULTS

MEANINGS = {
    "release.remote": "Git's name for the remote that is released from",
    "release.trunk": "the trunk's branch; empty: what the remote's HEAD names",
    "release.output": "`text` for people, `json` for one object a line",
    "release.yes": "write without asking, as `--yes` does",
    "release.poll": "seconds between looks while waiting, at first; they grow to 15",
    "release.timeout": "seconds until a wait gives up (exit 4), as `--timeout` does",
    "release.components": "what is released on its own; see below",
    "release.oasdiff": "the program that compares OpenAPI descriptions",
    "release.smoke": "what an image runs before its release is published, by repository; see below",
    "release.ready": "have each whole release ask the gates of `release.ready` first",
    "release.gates": "what `release.ready` asks; false or an empty list leaves one out; see below",
    "release.backport_label": "the label of pull requests that a line shall have",
    "release.notify_webhook": "an address for Slack's JSON, told when a release or a withdrawal starts, waits, ends",
    "release.notify_command": "a program and its arguments, told the same as JSON on standard input",
    "sdk.path": "the folder of the Python project",
    "sdk.package": "the package's name, as it is imported",
    "sdk.command": "the command that the wheel installs; empty: none",
    "sdk.workflow": "the file name of the workflow that releases the SDK",
    "sdk.inputs": "its inputs",
    "sdk.roles": "jobs that must succeed: `name`, `name*`, `one|other`, `name?input` where that input is on",
    "sdk.bucket": "the S3 bucket of the wheels",
    "sdk.prefix": "the prefix of released wheels in it",
    "sdk.version_file": "the file that fixes the wheel's version, set with the image's; empty: it comes from the tag",
    "sdk.distribution": "the wheel's name; empty: the package's",
    "sdk.smoke": "install the wheel that is out before the GitHub Release is published",
    "image.config_file": "the file that names the image's version; empty: none",
    "image.config_variable": "its variable",
    "image.workflow": "the file name of the workflow that builds the images",
    "image.inputs": "its inputs, beside `version`",
    "image.registry": "`ecr`, or the address of an OCI registry",
    "image.repository": "the images' repository in it",
    "image.tags": "an image tag's form",
    "image.pythons": "the Pythons that there is an image for",
    "image.smoke": "start the images before that, where docker or podman is there",
    "platform.workflow": "the file name of the workflow that a tag's push starts; empty: whatever it starts",
    "platform.images": "the repositories whose image gets the version as its tag",
}


def settings_table() -> str:
    """Return every setting with its default and meaning, as a table in Markdown."""
    rows = [f"| `{name}` | {_shown(default)} | {_cell(MEANINGS[name])} |" for name, default in all_settings().items()]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows, ""])


def all_settings() -> dict[str, object]:
    """Return every setting's default by its full name."""
    return {f"{section}.{key}": default for section, keys in DEFAULTS.items() for key, default in keys.items()}


def _shown(default: object) -> str:
    if default in ("", []):
        return "empty"
    if isinstance(default, dict) and any(isinstance(value, dict) for value in default.values()):
        return ", ".join(f"`{name}`" for name in default)
    text = default if isinstance(default, str) else json.dumps(default)
    return _cell(f"`{text}`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
