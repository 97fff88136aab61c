"""Trim GitHub's OpenAPI description to the endpoints used here: shapes without prose.

`python tests/github_api/trim.py` fetches the npm package `@octokit/openapi` (MIT) with `npm pack` into a temporary
folder; `python tests/github_api/trim.py PATH` takes an `api.github.com.json` of the same version that is there already.
Either writes `api.github.com.json` next to this file, byte for byte the same each time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

VERSION = "23.0.2"
PACKAGE = f"@octokit/openapi@{VERSION}"
MEMBER = "package/generated/api.github.com.json"
TRIMMED = Path(__file__).with_name("api.github.com.json")

# Below `/repos/{owner}/{repo}` where a line starts with a dot.
ENDPOINTS = """
/                                                           get
/user                                                       get
/rate_limit                                                 get
/meta                                                       get
/versions                                                   get
/users/{username}                                           get
/search/issues                                              get
.                                                           get patch
./actions/workflows                                         get
./actions/workflows/{workflow_id}                           get
./actions/workflows/{workflow_id}/dispatches                post
./actions/workflows/{workflow_id}/runs                      get
./actions/runs                                              get
./actions/runs/{run_id}                                     get delete
./actions/runs/{run_id}/attempts/{attempt_number}           get
./actions/runs/{run_id}/attempts/{attempt_number}/jobs      get
./actions/runs/{run_id}/attempts/{attempt_number}/logs      get
./actions/runs/{run_id}/approvals                           get
./actions/runs/{run_id}/pending_deployments                 get post
./actions/runs/{run_id}/logs                                get
./actions/runs/{run_id}/force-cancel                        post
./actions/runs/{run_id}/jobs                                get
./actions/runs/{run_id}/rerun                               post
./actions/runs/{run_id}/rerun-failed-jobs                   post
./actions/runs/{run_id}/cancel                              post
./actions/runs/{run_id}/artifacts                           get
./actions/jobs/{job_id}                                     get
./actions/jobs/{job_id}/logs                                get
./actions/artifacts                                         get
./actions/artifacts/{artifact_id}                           get
./actions/artifacts/{artifact_id}/{archive_format}          get
./actions/permissions/workflow                              get
./environments                                              get
./environments/{environment_name}                           get
./environments/{environment_name}/deployment-branch-policies get
./pulls                                                     get post
./pulls/{pull_number}                                       get patch
./pulls/{pull_number}/merge                                 get put
./pulls/{pull_number}/commits                               get
./pulls/{pull_number}/files                                 get
./pulls/{pull_number}/reviews                               get post
./pulls/{pull_number}/comments                              get
./pulls/{pull_number}/requested_reviewers                   post
./pulls/{pull_number}/update-branch                         put
./issues/{issue_number}/labels                              get post put delete
./issues/{issue_number}/labels/{name}                       delete
./issues/{issue_number}                                     get patch
./issues                                                    get
./issues/{issue_number}/comments                            get post
./issues/comments/{comment_id}                              get patch delete
./labels                                                    get post
./labels/{name}                                             get patch delete
./commits                                                   get
./commits/{ref}                                             get
./commits/{commit_sha}/pulls                                get
./commits/{ref}/check-runs                                  get
./commits/{ref}/check-suites                                get
./check-runs                                                post
./check-runs/{check_run_id}                                 get patch
./check-runs/{check_run_id}/annotations                     get
./check-suites/{check_suite_id}/check-runs                  get
./commits/{ref}/status                                      get
./commits/{ref}/statuses                                    get
./statuses/{sha}                                            post
./compare/{basehead}                                        get
./branches                                                  get
./branches/{branch}                                         get
./branches/{branch}/protection                              get put delete
./rules/branches/{branch}                                   get
./rulesets                                                  get post
./rulesets/{ruleset_id}                                     get put delete
./immutable-releases                                        get put delete
./contents/{path}                                           get put delete
./readme                                                    get
./tarball/{ref}                                             get
./zipball/{ref}                                             get
./merges                                                    post
./dispatches                                                post
./tags                                                      get
./collaborators/{username}/permission                       get
./git/commits                                               post
./git/trees                                                 post
./git/trees/{tree_sha}                                      get
./git/blobs                                                 post
./git/blobs/{file_sha}                                      get
./git/tags                                                  post
./git/commits/{commit_sha}                                  get
./git/tags/{tag_sha}                                        get
./git/refs                                                  post
./git/ref/{ref}                                             get
./git/matching-refs/{ref}                                   get
./git/refs/{ref}                                            patch delete
./releases                                                  get post
./releases/latest                                           get
./releases/tags/{tag}                                       get
./releases/generate-notes                                   post
./releases/{release_id}                                     get patch delete
./releases/{release_id}/assets                              get post
./releases/assets/{asset_id}                                get patch delete
"""

PROSE = {"description", "summary", "title", "example", "examples", "externalDocs", "tags", "deprecated"}
# Under these keys stand names chosen by the API, which may be words such as "title" or "description" themselves.
NAMES = {"properties", "patternProperties", "responses", "content", "headers", "schemas", "parameters", "paths"}
VALUES = {"enum", "default", "required"}


def endpoints() -> list[tuple[str, list[str]]]:
    """Return each path template with its methods."""
    lines = (line.split() for line in ENDPOINTS.strip().splitlines())
    return [
        ("/repos/{owner}/{repo}" * path.startswith(".") + path.removeprefix("."), methods) for path, *methods in lines
    ]


def shape(node: Any) -> Any:
    """Return `node` without prose and vendor extensions."""
    if isinstance(node, list):
        return [shape(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {key: part for key, part in node.items() if key not in PROSE and not key.startswith("x-")}
    return {key: shape_under(key, part) for key, part in kept.items()}


def shape_under(key: str, part: Any) -> Any:
    """Return the shape of what stands under `key`, keeping every name and literal value there."""
    if key in VALUES:
        return part
    if key in NAMES and isinstance(part, dict):
        return {name: shape_named(key, value) for name, value in part.items()}
    return shape(part)


def shape_named(kind: str, value: Any) -> Any:
    """Return the shape of one named part; a response keeps a description, empty, for OpenAPI 3.0 requires one."""
    filler = {"description": ""} if kind == "responses" and "$ref" not in value else {}
    return filler | shape(value)


def references(node: Any) -> set[tuple[str, str]]:
    """Return the (kind, name) of every component that `node` refers to."""
    if isinstance(node, dict):
        here = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        pairs = {(kind, name) for _, _, kind, name in (ref.split("/") for ref in here)}
        return pairs.union(*(references(part) for part in node.values()))
    if isinstance(node, list):
        return set().union(*(references(part) for part in node))
    return set()


def trimmed(whole: dict[str, Any]) -> dict[str, Any]:
    """Return the description of the endpoints above, with the components that they reach and no others."""
    if whole["info"]["version"] != VERSION:
        sys.exit(f"that is version {whole['info']['version']}, not {VERSION}")
    paths = {path: {method: shape(whole["paths"][path][method]) for method in methods} for path, methods in endpoints()}
    components: dict[str, dict[str, Any]] = {}
    missing = references(paths) | {("schemas", "basic-error"), ("schemas", "validation-error")}
    while missing:
        for kind, name in missing:
            components.setdefault(kind, {})[name] = shape_named(kind, whole["components"][kind][name])
        missing = {(kind, name) for kind, name in references(components) if name not in components.get(kind, {})}
    about = {"title": "GitHub REST API, a subset", "version": VERSION, "license": whole["info"]["license"]}
    origin = {"openapi": whole["openapi"], "info": {**about, "x-source": f"npm {PACKAGE} {MEMBER}"}}
    return {**origin, "servers": shape(whole["servers"]), "paths": paths, "components": components}


def fetched() -> dict[str, Any]:
    """Return the whole description from the npm package."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--ignore-scripts", PACKAGE]
        name = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(Path(folder, name)) as archive:
            member = archive.extractfile(MEMBER)
            assert member is not None
            whole: dict[str, Any] = json.load(member)
            return whole


def main(arguments: list[str]) -> None:
    """Write the trimmed description."""
    whole = json.loads(Path(arguments[0]).read_text(encoding="utf-8")) if arguments else fetched()
    text = json.dumps(trimmed(whole), indent=1, sort_keys=True, ensure_ascii=True)
    TRIMMED.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
