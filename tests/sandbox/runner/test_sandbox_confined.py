"""Steps that are set apart (F36): no network but loopback, no home or secret of the user's, nothing else written."""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
import rehearsal_sample
from sandbox_runner import Started, named, shown, wait_for

from release.errors import Usage
from release.sandbox import Sandbox
from release.sandbox.runner import check_confinement, confinement, job, namespace, parse_workflow, run_confined_job
from release.sandbox.runner.actions.python import running_version
from release.sandbox.runner.confinement import confined
from release.sandbox.runner.process import Command, run_command
from release.sandbox.runner.run import WorkflowRun

ROOT = Path(__file__).parents[3]


def can_be_confined() -> bool:
    """Ask another program: a test that is left out since our own cannot do it would notice nothing."""
    unshare = shutil.which("unshare")
    return bool(unshare) and not subprocess.run([unshare, "-Urmnp", "--fork", "true"], check=False).returncode


pytestmark = pytest.mark.skipif(not can_be_confined(), reason="this machine has no user namespaces")


def lines(run: WorkflowRun, name: str = "a") -> list[str]:
    return [line.partition(" ")[2] for line in named(run, name).log.splitlines()]


@pytest.fixture
def server() -> Iterator[int]:
    """A server of the sandbox's, outside."""
    served = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(http.server.SimpleHTTPRequestHandler, directory=str(ROOT / "tests" / "mutants"))
    )
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield served.server_port
    served.shutdown()
    served.server_close()
    thread.join()


def test_f36_a_step_reaches_loopback_alone(tmp_path: Path, server: int) -> None:
    script = f"""
        for address in 127.0.0.1:{server} 127.0.0.1:{server + 1} 192.0.2.1:80 127.0.0.53:53; do
          (exec 3<>/dev/tcp/${{address/:/\\/}}) 2> error && echo "reached $address" || sed -n 1p error
        done
        exec 3<>/dev/tcp/127.0.0.1/{server}
        printf 'GET /git.yaml HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 | tail -n +9 | wc -c
        grep -vc lo: /proc/net/dev
        """
    env = {"PATH": os.environ["PATH"]}
    with confined(Command(["bash", "-c", script], tmp_path, env), tmp_path, [server]) as command:
        ran = subprocess.run(
            command.argv, env=command.env, pass_fds=command.handed, capture_output=True, text=True, check=False
        )
    first, *refused, size, interfaces = ran.stdout.splitlines()
    assert first == f"reached 127.0.0.1:{server}"
    assert "Connection refused" in refused[0]  # what listens outside, and is not the sandbox's, is not there
    assert "Network is unreachable" in refused[1]
    assert len(refused) == 3
    assert int(size) > 1000
    assert interfaces == "2"  # the table's heads


def test_f36_nothing_is_written_but_the_jobs_own_folders_and_no_home_is_seen(
    start: Started, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("user")
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text("open sesame")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GITHUB_TOKEN", "of-the-user")
    shared = home.parent / "shared"
    shared.mkdir()
    run = start(
        f"""
        a:
          runs-on: x
          steps:
            - run: |
                echo "home $HOME"; test "$HOME" != {home}
                ls -A {home} {shared} /run | sed s/^/seen:/
                cat {home}/.aws/credentials || echo no credentials
                env | grep of-the-user || echo no token
            - run: |
                echo x > "$HOME/mine"; echo x > /tmp/mine; echo x > "$(mktemp)"; echo x > file; echo fine
                for place in / /etc /usr {ROOT} {shared} $(dirname $(dirname $GITHUB_WORKSPACE)); do
                  touch "$place/written" 2> /dev/null && echo "wrote $place" || true
                done
            - run: mount -o remount,rw / || unshare --user --map-root-user --mount mount -o remount,rw,bind /
              continue-on-error: true
            - {{run: "touch /usr/written", continue-on-error: true}}
            - run: ps -e -o args= | grep -c . ; kill -9 {os.getpid()} || echo not there
        """,
        run_steps=run_confined_job,
    )
    assert run.conclusion == "success", run.jobs[0].log
    said = lines(run)
    assert {"no credentials", "no token", "fine", "not there"} <= set(said)
    wrote = [Path(line.removeprefix("wrote ")) for line in said if line.startswith("wrote ")]
    # A checkout below /tmp is in a place that is the job's own by then.
    assert not [each for each in wrote if not each.is_relative_to(run.folder) and (each / "written").exists()]
    assert [step.conclusion for step in run.jobs[0].steps[3:5]] == ["success", "success"]  # tolerated
    assert "Read-only file system" in run.jobs[0].steps[4].log
    assert list(home.rglob("*")) == [home / ".aws", home / ".aws" / "credentials"]
    assert list(shared.iterdir()) == []
    assert not Path("/tmp/mine").exists()


def test_f36_no_real_docker_or_aws_is_reached(start: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("docker", "aws", "kubectl"):
        (tmp_path / name).write_text("#!/bin/sh\necho the real one\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    run = start(
        "a: {runs-on: x, steps: [{run: 'docker version; aws --version; kubectl apply -f x; command -v aws'}]}",
        run_steps=run_confined_job,
    )
    assert run.conclusion == "success", run.jobs[0].log
    assert "the real one" not in run.jobs[0].log
    assert "the sandbox records: kubectl apply -f x" in lines(run)


def test_a_step_ends_when_its_job_is_cancelled_and_its_exit_code_is_its_own(start: Started) -> None:
    run = start("a: {runs-on: x, steps: [{run: exit 7}]}", run_steps=run_confined_job)
    assert "##[error]Process completed with exit code 7." in lines(run)
    run = start(
        "a: {runs-on: x, timeout-minutes: 0.02, steps: [{run: sleep 60 & sleep 61}, {run: echo late, if: always()}]}",
        run_steps=run_confined_job,
    )
    assert [step.conclusion for step in run.jobs[0].steps[1:3]] == ["cancelled", "success"]


TAKES = {
    "memory in one piece": ("memory", "python3 -c 'bytearray(1 << 30)'", "MemoryError"),
    "a file": ("disk", "python3 -c 'import os; os.posix_fallocate(os.open(\"x\", 65), 0, 1 << 30)'", "File too large"),
    "threads": ("", "for each in $(seq 60); do sleep 30 & done; wait", "it has more than 40 processes and threads"),
}


@pytest.mark.parametrize("name", TAKES)
def test_f36_a_step_takes_no_more_of_the_machine_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The program is a copy whose bounds are within what a test may take."""
    what, script, says = TAKES[name]
    text = Path(namespace.__file__).read_text(encoding="utf-8").replace("MOST_THREADS = 4096", "MOST_THREADS = 40")
    (tmp_path / "copy.py").write_text(text.replace('free["' + (what or "x") + '"] * SHARE', "2**28"))
    monkeypatch.setattr(confinement, "_PROGRAM", tmp_path / "copy.py")
    began, said = time.monotonic(), list[str]()
    with confined(Command(["bash", "-c", script], tmp_path, {"PATH": os.environ["PATH"]}), tmp_path) as command:
        code = run_command(command, said.extend, lambda: time.monotonic() - began > 20)
    assert code == 1
    assert says in "\n".join(said)


def test_f36_what_all_processes_take_together_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {"memory": 1000 << 20, "disk": 1000 << 20}
    for what in free:
        monkeypatch.setattr(namespace, "_free", lambda what=what: {**free, what: 249 << 20})
        assert namespace._excess(free) == f"75% of the 1000 MiB of {what} that were free when it began are taken"
    monkeypatch.setattr(namespace, "_free", lambda: dict.fromkeys(free, 251 << 20))
    assert namespace._excess(free) == ""


def test_an_unprivileged_user_can_do_it_too(tmp_path: Path) -> None:
    python, setpriv = Path("/usr/bin/python3"), shutil.which("setpriv")
    if os.getuid() or not setpriv or not python.exists():
        pytest.skip("only root can become nobody")
    told = {"own": {}, "kept": [], "writable": [], "ports": [], "folder": "/", "env": {"PATH": "/usr/bin:/bin"}}
    script = f"""if True:
        import socket, sys
        sys.path.insert(0, {str(Path(namespace.__file__).parent)!r})
        import namespace
        ours, theirs = socket.socketpair()
        namespace.main({told} | {{"socket": theirs.detach()}}, sys.argv[1:])
        """
    nobody = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", str(python), "-I", "-S", "-c", script]
    asks = ["sh", "-c", "id -u; touch /tmp/x; cat /proc/net/dev | wc -l"]
    ran = subprocess.run([*nobody, *asks], capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["65534", "3"], ran.stderr
    assert "Read-only file system" in ran.stderr


def test_where_it_cannot_be_done_it_is_refused_before_anything_runs(
    start: Started, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import sys; sys.exit('this machine cannot set a step apart: unshare: Operation not permitted')")
    monkeypatch.setattr(confinement, "_PROGRAM", broken)
    check_confinement.cache_clear()
    with pytest.raises(Usage, match="cannot set a step apart: unshare: Operation not permitted"):
        check_confinement()
    check_confinement.cache_clear()


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    with Sandbox(rehearsal_sample.files()) as sandbox:
        sandbox.bare.git("tag", "0.7.0", "refs/heads/main")
        yield sandbox


def whole_run(world: Sandbox, folder: Path, file: str, ref: str, **inputs: Any) -> WorkflowRun:
    """Run one of the sample's workflows, each step set apart."""
    path = f".github/workflows/{file}"
    hub = world.github.hub
    github = {"repository": hub.full_name, "server_url": hub.url, "api_url": hub.api_url, "run_id": "1"}
    sha = world.bare.sha(ref) or ""
    run = WorkflowRun(
        parse_workflow(world.bare.file(sha, path) or "", path),
        world.bare.path,
        sha,
        ref,
        "workflow_dispatch" if inputs else "push",
        inputs,
        world.job_environment(),
        folder / "run",
        {"github": github, "secrets": {"RELEASE_ROLE": "arn:aws:iam::1:role/x"}},
        run_steps=run_confined_job,
    )
    run.start()
    assert run.wait(240), "\n".join(job.log for job in run.jobs)
    assert run.conclusion == "success", "\n".join(job.log for job in run.jobs)
    return run


@pytest.mark.slow
def test_the_sdk_is_built_tested_and_published_by_its_own_steps(world: Sandbox, tmp_path: Path) -> None:
    run = whole_run(world, tmp_path, "sdk-release.yaml", "refs/tags/0.7.0", publish_s3=True, is_release=True)
    assert shown(run) == {
        "build-package": "success",
        "test-package (3.10)": "success",
        "test-package (3.11)": "success",
        "publish-s3": "success",
        "publish-pypi": "skipped",
    }
    assert world.cloud is not None
    keys = [each["Key"] for each in world.cloud.client("s3").list_objects_v2(Bucket="lepton-sdk")["Contents"]]
    assert keys == ["release/leptonai-0.7.0-py3-none-any.whl"]
    assert "lep, version 0.7.0" in named(run, "test-package (3.11)").log


def images(world: Sandbox, repository: str) -> set[str]:
    assert world.cloud is not None
    listed = world.cloud.client("ecr").list_images(repositoryName=repository)["imageIds"]
    return {each["imageTag"] for each in listed}


def test_the_images_are_built_and_pushed_in_a_loop(world: Sandbox, tmp_path: Path) -> None:
    whole_run(world, tmp_path, "photon-runner-docker-images.yaml", "refs/heads/main", version="0.7.0", is_release=True)
    assert {f"photon-py3.{minor}-runner-0.7.0" for minor in range(7, 12)} <= images(world, "lepton")


@pytest.mark.slow
def test_the_platforms_images_come_by_the_called_workflow(world: Sandbox, tmp_path: Path) -> None:
    run = whole_run(world, tmp_path, "workspace-release.yaml", "refs/tags/0.7.0")
    assert set(shown(run)) == {
        "backend (lepton-api-server, backend) / build",
        "backend (lepton-deployment-operator, backend/operator) / build",
    }
    web = whole_run(world, tmp_path / "web", "web-release.yaml", "refs/tags/0.7.0")
    assert "pushed 123456789012.dkr.ecr.us-east-1.amazonaws.com/lepton-web:0.7.0" in named(web, "tell").log
    for repository in ("lepton-api-server", "lepton-deployment-operator", "lepton-web"):
        assert images(world, repository) == {"0.7.0"}


# What a step leaves for what runs outside of its namespaces after it.
TRAPS = {
    "LD_PRELOAD": ('echo "LD_PRELOAD={library}" >> "$GITHUB_ENV"', "{run: echo on}"),
    "a hook of Git's": (
        "mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch {out}\\n' > .git/hooks/post-checkout;"
        " chmod +x .git/hooks/post-checkout",
        "{uses: actions/checkout@v4}",
    ),
    "Git's settings": (
        "git config --global core.fsmonitor 'touch {out}'; git config --global core.hooksPath \"$PWD\"",
        "{uses: actions/checkout@v4}",
    ),
    "a Git on the path": (
        "mkdir bin; printf '#!/bin/sh\\ntouch {out}\\n' > bin/git; chmod +x bin/git; echo \"$PWD/bin\" >> $GITHUB_PATH",
        "{uses: actions/checkout@v4}",
    ),
    "a link to a secret": ("ln -s {secret} file", "{uses: actions/upload-artifact@v4, with: {name: x, path: file}}"),
    "a path to a secret": ("true", "{uses: actions/upload-artifact@v4, with: {name: x, path: '{secret}'}}"),
    "a link as an output": ('ln -sf {secret} "$GITHUB_OUTPUT"', "{run: echo on}"),
    "a name that leads out": (
        "echo x > file", "{uses: actions/upload-artifact@v4, with: {name: '../../../../../out', path: file}}"
    ),
    "a link in the home's place": (
        'rm -rf "$HOME"; ln -s {home} "$HOME"', "{run: 'touch {home}/written; touch \"$HOME/written\"'}"
    ),
    "a link in a Python's place": (
        'ln -sf {secret} "$RUNNER_TOOL_CACHE/Python/{minor}/bin/python"',
        "{uses: actions/setup-python@v5, with: {python-version: '{minor}'}}",
    ),
    "a link in a Python's environment": (
        'cd "$RUNNER_TOOL_CACHE/Python/{minor}" && rm -rf environment && ln -s {home} environment',
        "{uses: actions/setup-python@v5, with: {python-version: '{minor}'}}",
    ),
    "a link in the workspace's place": (
        "cd ..; mv work other; ln -s {home} work", "{uses: actions/checkout@v4}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("trap", TRAPS)
def test_f36_what_a_step_leaves_leads_nowhere(
    start: Started, trap: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("user")
    (home / "secret").write_text("open sesame")
    monkeypatch.setenv("HOME", str(home))
    out, library = home / "out", home.parent / "trap.so"
    if "{library}" in TRAPS[trap][0]:
        if not shutil.which("gcc"):
            pytest.skip("a library takes gcc")
        source = f'#include <fcntl.h>\n__attribute__((constructor)) void f(void) {{ open("{out}", O_CREAT, 0600); }}'
        subprocess.run(["gcc", "-shared", "-o", library, "-xc", "-"], input=source, text=True, check=True)
    sets, springs = (
        part.replace("{out}", str(out))
        .replace("{secret}", str(home / "secret"))
        .replace("{home}", str(home))
        .replace("{library}", str(library))
        .replace("{minor}", running_version())
        for part in TRAPS[trap]
    )
    script = "\n".join(
        ["- id: one", "  run: |", f"    {sets}", f"- {springs}", '- run: echo "${{ steps.one.outputs }}"']
    )
    steps = "\n".join(f"    {line}" for line in script.splitlines())
    run = start(f"a:\n  runs-on: x\n  steps:\n{steps}\n", run_steps=run_confined_job)
    assert [each.name for each in home.iterdir()] == ["secret"]
    assert (home / "secret").read_text() == "open sesame"
    assert "open sesame" not in run.jobs[0].log
    assert "open sesame" not in "".join(str(job.outputs) for job in run.jobs)
    for each in run.artifacts.values():
        with ZipFile(each) as archive:
            assert b"open sesame" not in b"".join(map(archive.read, archive.namelist()))


def test_f36_the_accounts_home_is_hidden_whatever_home_says(
    start: Started, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    account = tmp_path_factory.mktemp("account")
    (account / ".netrc").write_text("open sesame")
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("other")))
    monkeypatch.setattr(confinement, "_HIDDEN", ("/run",))  # the account's home is below /tmp only here
    monkeypatch.setattr(confinement.pwd, "getpwuid", lambda _: SimpleNamespace(pw_dir=str(account)))
    run = start(f"a: {{runs-on: x, steps: [{{run: 'ls -A {account} | wc -l'}}]}}", run_steps=run_confined_job)
    assert run.conclusion == "success", run.jobs[0].log
    assert "0" in lines(run)
    assert (account / ".netrc").read_text() == "open sesame"


def test_f36_a_rehearsal_that_is_killed_leaves_no_step_behind(tmp_path: Path) -> None:
    script = f"""if True:
        from pathlib import Path
        from release.sandbox.runner.confinement import confined
        from release.sandbox.runner.process import Command, run_command
        folder = Path({str(tmp_path)!r})
        asks = ["sh", "-c", "touch begun; while sleep 0.1; do date +%s%N > beat; done"]
        with confined(Command(asks, folder, {{"PATH": "/usr/bin:/bin"}}), folder) as command:
            run_command(command, print, lambda: False)
        """
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", script], env=env) as rehearsal:
        wait_for((tmp_path / "beat").exists)
        rehearsal.kill()
    time.sleep(0.5)
    last = (tmp_path / "beat").read_text()
    time.sleep(0.5)
    assert (tmp_path / "beat").read_text() == last


def test_a_step_that_prints_without_end_does_not_fill_the_memory(
    start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "_LONGEST", 10_000)
    run = start("a: {runs-on: x, steps: [{run: 'yes | head -c 1000000; head -c 3000000 /dev/zero'}]}")
    assert run.conclusion == "success"
    assert len(run.jobs[0].log) < 2_000_000  # it is full after one read of a pipe: 32,768 lines, a time before each
    assert run.jobs[0].log.count("The log is full") == 1


def test_f36_the_settings_of_the_clone_that_is_rehearsed_are_not_seen(
    start: Started, bare: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lent = bare / "objects" / "info" / "alternates"
    clone = tmp_path_factory.mktemp("clone") / ".git"
    (clone / "objects").mkdir(parents=True)
    (clone / "config").write_text("open sesame")
    lent.write_text(f"{clone / 'objects'}\n")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(confinement, "_HIDDEN", ("/run",))  # the clone is below /tmp only here
            run = start(f"a: {{runs-on: x, steps: [{{run: 'ls -A {clone} | wc -l'}}]}}", run_steps=run_confined_job)
    finally:
        lent.unlink()
    assert run.conclusion == "success", run.jobs[0].log
    assert "0" in lines(run)
