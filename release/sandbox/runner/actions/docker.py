"""docker/metadata-action and docker/build-push-action, over the stand-in for docker."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from release.errors import Usage
from release.sandbox.runner.machine import Inputs, Machine, Outputs
from release.versions import parse
from release.workflows import expressions

_DEFAULT_TAGS = "type=ref,event=branch\ntype=ref,event=tag"
_PRIORITIES = {"semver": 900, "ref": 600, "raw": 200, "sha": 100}
_LISTS = {"tags": "--tag", "labels": "--label", "build-args": "--build-arg", "platforms": "--platform"}
_SINGLE = {"file": "--file", "target": "--target"}


def entries(text: str) -> list[str]:
    """List what stands on lines, or between commas, of an input."""
    return [each.strip() for line in text.splitlines() for each in line.split(",") if each.strip()]


def lines(text: str) -> list[str]:
    """List the lines of an input that say something."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def build_push(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Build an image, and push it if asked to."""
    told = machine.temp / f"build-{next(machine.numbers)}.json"
    flags = [each for name, flag in _SINGLE.items() if inputs.get(name) for each in (flag, inputs[name])]
    for name, flag in _LISTS.items():
        read = lines if name in ("labels", "build-args") else entries
        flags += [each for value in read(inputs.get(name, "")) for each in (flag, value)]
    flags += [each for value in lines(inputs.get("outputs", "")) for each in ("--output", value)]
    flags += ["--push"] if inputs.get("push") == "true" else []
    context = inputs.get("context") or "."
    if "://" in context:
        raise expressions.Unsupported(f"the sandbox builds from its own files alone, not from {context}")
    machine.run_program(["docker", "buildx", "build", *flags, "--metadata-file", str(told), context], env)
    digest = json.loads(machine.inside(told).read_text(encoding="utf-8"))["containerimage.digest"]
    return {"digest": digest, "imageid": digest, "metadata": machine.inside(told).read_text(encoding="utf-8")}


def metadata(machine: Machine, inputs: Inputs, env: Mapping[str, str]) -> Outputs:
    """Make an image's tags and labels of the run's ref."""
    github = machine.contexts["github"]
    flavor = dict(each.partition("=")[::2] for each in entries(inputs.get("flavor", "")))
    rules = [_rule(line) for line in lines(inputs.get("tags") or _DEFAULT_TAGS)]
    rules.sort(key=lambda rule: -int(rule.get("priority", _PRIORITIES.get(rule["type"], 0))))
    found = dict.fromkeys(
        f"{rule.get('prefix', flavor.get('prefix', ''))}{tag}{rule.get('suffix', flavor.get('suffix', ''))}"
        for rule in rules
        if rule.get("enable", "true") == "true"
        for tag in _tags(rule, github)
    )
    names, version = list(found), next(iter(found), "")
    if flavor.get("latest") == "true" or (flavor.get("latest", "auto") == "auto" and _is_latest(rules, github)):
        names = list(dict.fromkeys([*names, "latest"]))
    tags = [f"{image.lower()}:{name}" for image in entries(inputs.get("images", "")) for name in names]
    labels = [
        f"org.opencontainers.image.revision={github.get('sha', '')}",
        f"org.opencontainers.image.version={version}",
        *lines(inputs.get("labels", "")),
    ]
    told = {"tags": tags, "labels": dict(each.partition("=")[::2] for each in labels)}
    return {"version": version, "tags": "\n".join(tags), "labels": "\n".join(labels), "json": json.dumps(told)}


def _rule(line: str) -> dict[str, str]:
    found = dict(each.partition("=")[::2] for each in next(csv.reader([line])))
    if "type" not in found:  # a plain word is a raw tag
        found = {"type": "raw", "value": line}
    if found["type"] not in (*_PRIORITIES, "schedule"):
        raise expressions.Unsupported(f"the sandbox does not know the tag {line}")
    return found


def is_tag_rule(line: str) -> bool:
    """Tell whether an entry of `tags` is of a type that is known here."""
    with suppress(expressions.Unsupported):
        return bool(_rule(line))
    return False


def _tags(rule: Mapping[str, str], github: Mapping[str, Any]) -> Iterator[str]:
    name, kind = str(github.get("ref_name", "")), str(github.get("ref_type", ""))
    if rule["type"] == "raw":
        yield rule.get("value", "")
    elif rule["type"] == "sha":
        sha = str(github.get("sha", ""))
        yield rule.get("prefix", "sha-") * ("prefix" not in rule) + (sha if rule.get("format") == "long" else sha[:7])
    elif rule["type"] == "ref" and rule.get("event") == kind:
        yield re.sub(r"[^A-Za-z0-9._-]", "-", name)
    elif rule["type"] == "semver" and (given := rule.get("value") or (name if kind == "tag" else "")):
        yield from _versioned(rule.get("pattern", "{{version}}"), given)


def _versioned(pattern: str, given: str) -> Iterator[str]:
    try:
        version = parse(given.removeprefix("v"))
    except Usage:  # the action warns, and goes on without
        return
    if version.prerelease and "{{raw}}" not in pattern:
        yield str(version)
        return
    known = {"version": str(version), "raw": given, **{name: str(value) for name, value in version.to_dict().items()}}
    yield re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: known.get(found[1], found[0]), pattern)


def _is_latest(rules: list[dict[str, str]], github: Mapping[str, Any]) -> bool:
    """Tell whether a tag's final version, or any tag that is taken as it is, makes this the latest."""
    if github.get("ref_type") != "tag":
        return False
    name = str(github.get("ref_name", "")).removeprefix("v")
    semver = any(rule["type"] == "semver" and list(_versioned("{{version}}", name)) == [name] for rule in rules)
    is_final = "-" not in name
    return (semver and is_final) or any(rule["type"] == "ref" and rule.get("event") == "tag" for rule in rules)
