"""docs/permissions.md, from the declaration: `python tests/rights_page.py > docs/permissions.md`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from release.audit.rights import OPTIONAL, TASKS, actions, least

HEAD = """# Permissions

What each task asks for, no less and no more: the tests run them with an app's token that has exactly that, and with one
permission less. On GitHub these are the permissions of a fine-grained token, of an app, and of a job (`permissions:`);
every token reads the metadata too. What a job's own `GITHUB_TOKEN` pushes starts no workflow: a release goes with an
app's token or a person's. A patch needs `pull-requests` for `--via-pr` alone. `checks` and `statuses` are
for following a branch's checks; where they may not be had, what Actions runs itself stands in, which is said. With
`contents: write` a lease on the remote keeps a dispatch from happening twice; without it the later of two cancels its
own run.

| task | GitHub | AWS |
|---|---|---|
"""
TAIL = """
`release.doctor` reads what it can tell and asks for nothing beyond it; `release.init --protect` needs `administration:
write`, and on AWS `s3:PutBucketVersioning`, `s3:GetBucketPolicy`, `s3:PutBucketPolicy` and `ecr:PutImageTagMutability`.
`release.approve` needs `deployments: write`, and `release.preview --comment` `pull-requests: write`.

## A policy for all of it

```json
{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "arn:aws:s3:::BUCKET"},
    {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::BUCKET/*"},
    {"Effect": "Allow", "Action": ["ecr:DescribeImages", "ecr:ListImages"],
     "Resource": "arn:aws:ecr:REGION:ACCOUNT:repository/*"}
  ]
}
```

`sdk.publish`, which the workflow's own job runs, and `release.withdraw` write: `s3:PutObject`, and to move a wheel
`s3:DeleteObject`.
"""


def page() -> str:
    """Return the page."""
    return HEAD + "".join(_row(name, rights) for name, rights in TASKS.items()) + TAIL


def _row(name: str, rights: tuple[str, ...]) -> str:
    wanted = [f"{kind}: {level}" for kind, level in least(rights).items()]
    shown = [f"{each} (optional)" if each in OPTIONAL else each for each in wanted]
    return f"| `{name}` | {', '.join(shown) or 'none'} | {', '.join(actions(rights)) or 'none'} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
