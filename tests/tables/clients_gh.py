"""What a release tool asks of GitHub, by GitHub's own gh (https://cli.github.com), of the sandbox's GitHub."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from client_world import client_world
from sources import Unreachable

from release.sandbox import Sandbox

PATIENCE = 60  # seconds for one of them
# In order, as each may need what an earlier one made; `{run}` and `{job}` are those of the newest run.
COMMANDS = """
auth status --hostname 127.0.0.1
api user
api repos/{owner}/{repo}/tags --paginate
api repos/{owner}/{repo}/git/ref/heads/main --jq .object.sha
api repos/{owner}/{repo}/labels -f name=backport -f color=ff0000
api graphql -f query={{viewer{{login}}}}
repo view --json name,owner,defaultBranchRef,url
label list
label create urgent --color 00ff00
workflow list
workflow view build.yaml --yaml
workflow run build.yaml --ref main -f publish=true
run list
run list --workflow build.yaml --branch main --json databaseId,headSha,status,conclusion
run view {run}
run view {run} --json jobs,conclusion,headSha
run view {run} --log
run view --job {job}
run watch {run} --exit-status
run download {run} --name dist --dir dist
run rerun {run}
run rerun {run} --failed
pr create --base main --head topic --title Topic --body Words
pr list
pr list --state all --json number,title,headRefName,mergedAt
pr list --head topic --base main --label backport
pr view 1
pr view 1 --json state,mergeCommit,mergeable,statusCheckRollup,labels,reviews
pr view topic
api repos/{owner}/{repo}/statuses/{topic} -f state=success -f context=ci
pr checks 1
pr diff 1
pr comment 1 --body Words
pr review 1 --comment --body Well
pr merge 1 --squash
pr create --base main --head other --fill
pr ready 2
pr close 2
pr reopen 2
release create 1.0.0 README.md --draft --title 1.0.0 --notes Words
release list
release view 1.0.0
release upload 1.0.0 third.txt
release edit 1.0.0 --draft=false
release view 1.0.0 --json tagName,isDraft,assets,targetCommitish
release download 1.0.0 --pattern README.md --dir down
release create 1.1.0 --generate-notes --target main --latest=false
release delete-asset 1.0.0 third.txt --yes
release delete 1.0.0 --yes
search prs --repo {owner}/{repo} --state open
"""


NO_REDIRECT = "gh of Debian 12 sends an Enterprise Server's token wherever it is redirected, and is refused there"
NOT_OURS = {
    "auth status": "gh wants read:org too, which the sandbox's token, a release's alone, has not",
    **dict.fromkeys(("run view {run} --log", "run download", "release download"), NO_REDIRECT),
}


def cases() -> Iterator[tuple[str, str]]:
    """Run each command once."""
    for program in ("gh", "socat"):
        if shutil.which(program) is None:
            raise Unreachable(f"there is no {program}")
    with client_world() as sandbox, _socket(sandbox) as environment:
        for line in COMMANDS.strip().splitlines():
            run = str(max(sandbox.github.hub.runs, default=0))
            job = next((str(each) for (of, _, _), each in sandbox.github.hub.part_ids.items() if str(of) == run), "0")
            names = {"owner": sandbox.github.hub.owner, "repo": sandbox.github.hub.name, "run": run, "job": job}
            names["topic"] = str(sandbox.bare.sha("topic"))
            command = ["gh", *line.format(**names).split()]
            done = subprocess.run(
                command, cwd=sandbox.work, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                timeout=PATIENCE, check=False,
            )  # fmt: skip
            known = next((why for begin, why in NOT_OURS.items() if line.startswith(begin)), "")
            fault = known or f"FALSE: {done.stderr.strip() or done.stdout.strip()}"
            yield line, fault if done.returncode else ""


@contextmanager
def _socket(sandbox: Sandbox) -> Iterator[dict[str, str]]:
    """Let gh, which asks over TLS alone, talk to the sandbox through a socket of Unix."""
    folder, place = Path(sandbox.home, ".config/gh"), Path(sandbox.home, "gh.sock")
    folder.mkdir(parents=True)
    folder.joinpath("config.yml").write_text(f"http_unix_socket: {place}\n", encoding="utf-8")
    address = sandbox.github.url.removeprefix("http://")
    socat = subprocess.Popen(["socat", f"UNIX-LISTEN:{place},fork", f"TCP:{address}"])
    told = {"GH_HOST": "127.0.0.1", "GH_ENTERPRISE_TOKEN": os.environ["GITHUB_TOKEN"], "GH_PROMPT_DISABLED": "1"}
    try:
        while not place.exists() and socat.poll() is None:
            time.sleep(0.01)
        yield {**os.environ, **sandbox.environment(), **told}
    finally:
        socat.terminate()
        socat.wait()
