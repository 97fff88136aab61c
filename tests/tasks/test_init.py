"""What is written into another repository, and a whole release run from there by the sandbox's Actions."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from conftest import again, open_context, printed
from second_sample import SETTINGS, git, second_repository

from release.audit.adoption import adopted_settings
from release.audit.starter import starter_files
from release.call.context import Context, Options
from release.call.report import Report
from release.errors import Conflict, Failed
from release.git.refs import Push
from release.git.repository import repository
from release.git.scratch import worktree
from release.git.snapshot import remote
from release.github.api import github
from release.sandbox import Sandbox
from release.sandbox.github.app import run_workflow
from release.sandbox.github.records import TOKEN
from release.settings import Settings, read
from release.tasks import proofs, setup
from release.workflows import IMAGE, SDK, Source, document, judge, starts_on_push

FOLDER = ".github/workflows/"
PINNED = re.compile(r"^ *(?:- )?uses: [\w./-]+@[0-9a-f]{40} # v[0-9.]+$")


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """One whose workflows' steps really run."""
    sandbox.github.use_runner(run_workflow)
    return sandbox


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    with Sandbox({"README.md": "x\n"}, cloud=False) as made:
        yield open_context(made, monkeypatch)


def test_f27_it_writes_once_and_never_over_what_is_there(empty: Context) -> None:
    dry = again(empty, dry=True)
    setup.init(dry)
    assert sorted(path.name for path in repository(empty).root.iterdir()) == [".git", "README.md"]
    written = setup.init(empty)
    assert [path.relative_to(repository(empty).root).as_posix() for path in written] == [
        "tasks.py",
        f"{FOLDER}sdk-release.yaml",
        f"{FOLDER}photon-runner-docker-images.yaml",
        f"{FOLDER}platform.yaml",
        f"{FOLDER}release.yaml",
    ]
    second = again(empty)
    setup.init(second)
    assert "✔" in printed(second)
    assert printed(second).count("(already)") == 4  # a task file that has the tasks is not looked at again
    mine = repository(empty).root / FOLDER / "platform.yaml"
    mine.write_text("mine\n")
    with pytest.raises(Conflict, match=r"platform\.yaml"):
        setup.init(again(empty))
    assert mine.read_text() == "mine\n"
    setup.init(again(empty), force=True)
    assert mine.read_text() != "mine\n"


def test_check_tells_of_each_file_what_differs_and_writes_nothing(empty: Context) -> None:
    setup.init(empty)
    setup.init(again(empty), check=True)
    root = repository(empty).root / FOLDER
    (root / "platform.yaml").unlink()
    release = root / "release.yaml"
    release.write_text(release.read_text().replace("queue: max", "cancel-in-progress: false"))
    old = release.read_text()
    with pytest.raises(Failed) as caught:
        setup.init(again(empty), check=True)
    assert caught.value.code == 1
    first, second = caught.value.problem.splitlines()[1:]
    assert first == f"{FOLDER}platform.yaml: is not there"
    assert re.fullmatch(
        rf"{FOLDER}release.yaml: line \d+: 'cancel-in-progress: false .*' would be 'queue: max .*'", second
    )
    assert release.read_text() == old
    assert not (root / "platform.yaml").exists()


def test_no_release_that_waits_is_cancelled_for_a_later_one(empty: Context) -> None:
    for path, text in starter_files(empty).items():
        if path.endswith(".yaml"):
            assert document(text.encode())["concurrency"]["queue"] == "max", path


def test_s09_inputs_come_by_the_environment_actions_by_sha_and_permissions_are_the_least(empty: Context) -> None:
    for path, text in starter_files(empty).items():
        if not path.endswith(".yaml"):
            continue
        assert "@PY" not in text, path
        workflow = document(text.encode())
        assert workflow["permissions"] == {}, path
        for name, job in workflow["jobs"].items():
            assert set(job["permissions"].values()) <= {"read", "write"}, (path, name)
            writes = {kind for kind, level in job["permissions"].items() if level == "write"}
            assert writes <= {"id-token"}, (path, name)
            for step in job["steps"]:
                assert "${{" not in step.get("run", ""), (path, name)
                if "checkout" in step.get("uses", ""):
                    assert (
                        step["with"]["persist-credentials"] == "false" or step["with"]["persist-credentials"] is False
                    )
        for line in text.splitlines():
            assert "uses:" not in line or PINNED.match(line), line


def test_the_workflows_keep_the_contracts_of_a_release(empty: Context) -> None:
    texts = {path.removeprefix(FOLDER): text.encode() for path, text in starter_files(empty).items()}
    sdk, image = empty.settings.sdk, empty.settings.image
    judged = judge(Source(texts[sdk.workflow], "refs/heads/main", sdk.workflow), sdk.inputs, sdk.roles, SDK)
    assert judged.problems == []
    inputs = {"version": "0.7.0", **image.inputs}
    judged = judge(Source(texts[image.workflow], "refs/heads/main", image.workflow), inputs, (), IMAGE)
    assert judged.problems == []
    assert starts_on_push(texts["platform.yaml"], "refs/tags/0.7.0")
    assert starts_on_push(texts["platform.yaml"], "refs/tags/0.7.0-rc.1")
    assert not starts_on_push(texts["platform.yaml"], "refs/tags/nightly")
    release = document(texts["release.yaml"])
    assert release["jobs"]["release"]["environment"] == "release"
    assert "inputs.line" in release["concurrency"]["group"]


@pytest.fixture
def second(tmp_path: Path) -> Context:
    """The second team's repository, which has no settings yet."""
    return Context(Settings(), Report(stream=io.StringIO()), Options(yes=True), folder=second_repository(tmp_path))


def test_the_settings_are_told_from_what_is_there_and_only_what_differs_is_written(second: Context) -> None:
    setup.init(second)
    root = repository(second).root
    written = yaml.safe_load((root / "invoke.yaml").read_text())
    assert written == yaml.safe_load(SETTINGS)
    assert "·" not in printed(second), "nothing was guessed, no path is not there"
    assert "git push" in printed(second)
    again_ = replace(again(second), settings=read(written))
    setup.init(again_)
    assert printed(again_).count("(already)") == 4, "the workflows are those of the settings"
    (root / "invoke.yaml").write_text("sdk: {path: src}\n")
    setup.init(again(again_), force=True)
    assert (root / "invoke.yaml").read_text() == "sdk: {path: src}\n", "settings that are there are the team's"


def test_an_oci_registry_is_logged_in_to_and_pushed_to(second: Context) -> None:
    texts = {path.removeprefix(FOLDER): text for path, text in starter_files(second).items()}
    for name in ("runner-images.yaml", "platform.yaml"):
        assert "amazon-ecr" not in texts[name]
        assert "@" not in texts[name].replace("actions/checkout@", "")
        steps = document(texts[name].encode())["jobs"]["image"]["steps"]
        used = {each["env"]["REGISTRY"] for each in steps if "REGISTRY" in each.get("env", {})}
        assert used == {"registry.acme.example"}
        assert [each for each in steps if "docker login" in each.get("run", "")]
    assert "tag image runner\n" in texts["runner-images.yaml"]
    assert "{ image: acme-service, folder: service }" in texts["platform.yaml"]
    assert "REGISTRY_PASSWORD: ${{ secrets.REGISTRY_PASSWORD }}" in texts["release.yaml"]


def test_what_nothing_tells_is_said_and_asked_at_a_terminal_alone(
    empty: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    starter_files(empty)
    said = printed(empty)
    assert "nothing here tells sdk.bucket, the S3 bucket of the wheels: set it in invoke.yaml, else it is" in said
    assert "lepton-web/Dockerfile is not there" in said or "web/Dockerfile is not there" in said
    asked = again(empty, yes=False)
    assert "release.trunk" not in said, "the remote's HEAD names it"
    monkeypatch.setattr(Report, "interactive", True)
    monkeypatch.setattr("sys.stdin", io.StringIO("python\nwheels\nghcr.io\nacme/api\n\n"))
    found, told, unknown = adopted_settings(asked)
    assert (found.sdk.bucket, found.image.registry, found.platform.images) == ("wheels", "ghcr.io", ["acme/api"])
    assert (told["sdk"]["path"], unknown) == ("python", ["image.config_file"])


def test_a_repository_without_images_gets_none_of_the_defaults(tmp_path: Path) -> None:
    folder = second_repository(tmp_path)
    for path in (".github", "service", "runner", "src/acme_tools/_image.py"):
        git(folder, "rm", "-rq", "--ignore-unmatch", path)
    context = Context(Settings(), Report(stream=io.StringIO()), Options(yes=True), folder=folder)
    written = {path.name for path in setup.init(context)}
    told = yaml.safe_load((folder / "invoke.yaml").read_text())
    assert (told["platform"]["images"], told["image"]["config_file"]) == ([], "")
    assert written == {"tasks.py", "invoke.yaml", "sdk-release.yaml", "release.yaml"}
    said = printed(context)
    assert (
        "platform.images, the images that get the version as their tag: set it in invoke.yaml, else there is none"
        in said
    )
    assert "Dockerfile is not there" not in said


def push_workflows(context: Context, *names: str) -> None:
    """Put our workflows on the trunk, as a pull request of `release.init` would."""
    head = remote(context).head_sha("main") or ""
    with worktree(repository(context), head) as tree:
        for path, text in starter_files(context).items():
            if path.removeprefix(FOLDER) in names:
                (tree / path).write_text(text)
        git(tree, "add", "--all")
        sha = repository(context).commit("Write the workflows", [FOLDER + name for name in names], tree)
        repository(context).push([Push("refs/heads/main", sha, head)])


@pytest.mark.slow
def test_a_whole_release_runs_inside_a_workflow(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """`release.yaml` and `sdk-release.yaml` as they are written, run by the sandbox's Actions from "Run workflow"."""
    context = open_context(sandbox, monkeypatch)
    monkeypatch.setattr("release.audit.starter.TESTED", ("3.11",))
    monkeypatch.setattr("release.audit.starter.PYTHON", "3.11")
    push_workflows(context, "release.yaml", "sdk-release.yaml")
    sandbox.github.hub.secrets["RELEASE_TOKEN"] = TOKEN
    github(context).send(
        "POST", "actions/workflows/release.yaml/dispatches", {"ref": "main", "inputs": {"task": "minor"}}
    )
    (run,) = sandbox.github.hub.runs.values()
    deadline = time.monotonic() + 100
    while run.work.status != "completed" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert run.work.conclusion == "success", "\n".join(job.log for job in run.work.jobs)
    proofs.verify(again(context), "0.7.0")
    assert "✘" not in printed(context)
    assert TOKEN not in "".join(job.log for job in run.work.jobs)


def test_f14_the_workflows_own_token_is_refused_before_anything_is_written(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the secret the token is empty, and with GitHub's own in its place nothing would start on the tag."""
    from release.sandbox.github.records import JOB_TOKEN

    context = open_context(sandbox, monkeypatch)
    push_workflows(context, "release.yaml")
    sandbox.github.hub.secrets["RELEASE_TOKEN"] = JOB_TOKEN
    refs = sandbox.bare.git("for-each-ref")
    github(context).send(
        "POST",
        "actions/workflows/release.yaml/dispatches",
        {"ref": "main", "inputs": {"task": "minor", "image": False}},
    )
    (run,) = sandbox.github.hub.runs.values()
    deadline = time.monotonic() + 60
    while run.work.status != "completed" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert run.work.conclusion == "failure"
    assert "create-github-app-token" in "".join(job.log for job in run.work.jobs)
    assert sandbox.bare.git("for-each-ref") == refs
