"""What is released, tried as its users will: sound wheels and images pass, each broken one is caught."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import FakeClock, again, open_context, printed
from docker_registry import serving
from doubles import Doubles, wheel
from outside import everything, writes

from release.artifacts.images import digests, runner_images
from release.artifacts.smoke import ENGINES, says, try_release
from release.artifacts.wheel import Wheel, read_wheel
from release.call.context import Context
from release.errors import Failed, Usage
from release.github.releases import release_of
from release.sandbox import Sandbox
from release.settings import DEFAULTS, Image, Release, Sdk, Settings, read
from release.tasks import image, lines, pipelines
from release.versions import parse

VERSION, BEFORE = parse("0.7.0"), "0.6.2"
CLI = "import leptonai\n\ndef main() -> None:\n    print('lep, version', leptonai.__version__)\n"
SOUND = {"leptonai/cli.py": CLI, "leptonai/config.py": "BASE_IMAGE_VERSION = '0.6.2'\n"}
PLATFORM = {"command": ["serve", "--version"], "prints": "server {version}"}


@pytest.fixture
def context(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A world in which 0.7.0 is tagged, what is released is tried, and no engine is there."""
    Doubles(sandbox)
    monkeypatch.setattr("release.artifacts.smoke.ENGINES", ())
    opened = open_context(sandbox, monkeypatch, clock=FakeClock(), smoke=True)
    lines.branch(again(opened), "0.7.0")
    lines.tag(again(opened), "0.7.0", ref="main")
    return opened


def built(more: Mapping[str, str] | None = None, version: str = "0.7.0", **how: str) -> Wheel:
    content = wheel(version, more={**SOUND, **(more or {})}, **how)
    return read_wheel(content, f"leptonai-{version}-py3-none-any.whl")


# --- the wheel ---


def test_a_sound_wheel_installs_and_says_its_version(sandbox: Sandbox, context: Context) -> None:
    before, asked = everything(sandbox), writes(sandbox)
    try_release(context, VERSION, built(), ())
    assert "leptonai-0.7.0-py3-none-any.whl installs, imports as 0.7.0, lep says so too" in printed(context)
    dry = again(context, dry=True)
    try_release(dry, VERSION, None, ())
    assert "install the wheel of 0.7.0 in a fresh environment and import leptonai (to do)" in printed(dry)
    assert (everything(sandbox), writes(sandbox)) == (before, asked)


@pytest.mark.parametrize(("python", "fits"), [(">=3.8", True), ("<3.8", False), (">=99", False), ("", True)])
def test_a_wheel_for_another_python_is_skipped_and_never_passed(context: Context, python: str, fits: bool) -> None:
    try_release(context, VERSION, built(needs=f"python{python}" if python else ""), ())
    assert ("installs, imports as 0.7.0" in printed(context)) == fits
    assert ("skipped: the wheel is not installed: Python" in printed(context)) != fits


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "a module that is missing": ({"more": {"leptonai/__init__.py": "from leptonai import photon\n"}}, "photon"),
    "a wrong entry point": ({"more": {"leptonai/cli.py": "def run() -> None: ...\n"}}, "lep"),
    "another version": ({"more": {"leptonai/__init__.py": "__version__ = '0.6.9'\n"}}, "imports as leptonai 0.6.9"),
    "a command of another version": ({"more": {"leptonai/cli.py": "def main() -> None: print('0.7.00')\n"}}, "0.7.00"),
    "a dependency that does not resolve": ({"needs": "no-such-package-anywhere>=99"}, "no-such-package-anywhere"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_wheel_is_caught(context: Context, kind: str) -> None:
    how, words = BROKEN[kind]
    with pytest.raises(Failed, match=words) as failed:
        try_release(context, VERSION, built(**how), ())
    assert failed.value.hint == "What is out is never overwritten: mend it, then release the version after 0.7.0."


@pytest.mark.parametrize(
    ("had", "lost"),
    [("leptonai/config.py", True), ("leptonai/gone.py", False)],
    ids=["that the tag has too", "that the tag has no more"],
)
def test_a_file_that_the_wheel_before_had_is_missed(sandbox: Sandbox, context: Context, had: str, lost: bool) -> None:
    doubles = Doubles(sandbox)
    older = wheel("0.6.1", more={"leptonai/cli.py": CLI, "leptonai/older.py": ""})
    for version, content in (("0.6.1", older), (BEFORE, wheel(BEFORE, more={**SOUND, had: "X = 1\n"}))):
        key = f"release/leptonai-{version}-py3-none-any.whl"
        doubles.s3.put_object(Bucket="lepton-sdk", Key=key, Body=content)
    doubles.s3.put_object(Bucket="lepton-sdk", Key="release/other-9.0.0-py3-none-any.whl", Body=b"")
    doubles.s3.put_object(Bucket="lepton-sdk", Key="release/leptonai-0.8.0-py3-none-any.whl", Body=b"no archive")
    content = wheel("0.7.0", more={"leptonai/cli.py": CLI})
    new = read_wheel(content, "leptonai-0.7.0-py3-none-any.whl")
    if not lost:
        new = built()
        try_release(context, VERSION, new, ())
        return
    with pytest.raises(Failed, match=r"lacks what the wheel before has and the tag has too: leptonai/config\.py'"):
        try_release(context, VERSION, new, ())


def test_a_release_whose_wheel_is_broken_stays_a_draft(
    sandbox: Sandbox, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"wheel": wheel("0.7.0", more={**SOUND, "leptonai/cli.py": "import nothing_there\n"})}
    monkeypatch.setattr("doubles.wheel", lambda *_: made["wheel"])
    with pytest.raises(Failed, match="nothing_there"):
        pipelines.minor(again(context), "0.7.0", image=False)
    draft = release_of(again(context), VERSION)
    assert draft
    assert draft.draft
    off = again(context, settings=Settings(release=context.settings.release, sdk=Sdk(smoke=False)))
    pipelines.minor(off, "0.7.0", image=False)
    assert "skipped: the wheel is not installed (sdk.smoke is false)" in printed(off)
    published = release_of(again(context), VERSION)
    assert published
    assert not published.draft
    done = again(context)  # what is published is tried no more
    pipelines.minor(done, "0.7.0", image=False)
    assert "installs" not in printed(done)


# --- images ---

DOCKER = """#!{python}
import json, pathlib, sys
world = pathlib.Path(__file__).with_name("world.json")
state = json.loads(world.read_text())
command, *rest = sys.argv[1:]
state["asked"].append(sys.argv[1:])
code = 0
if command == "info":
    code = 0 if state["runs"] else 1
elif command == "image":
    verb, reference = rest
    code = {{"inspect": int(reference not in state["here"]), "rm": 0}}[verb]
    if verb == "rm":
        state["here"].remove(reference)
elif command == "pull":
    assert rest[0] == "--quiet", rest
    found = state["images"].get(rest[1].partition("@")[2])
    if found is None or "refused" in found:
        print((found or {{}}).get("refused", "manifest unknown"), file=sys.stderr)
        code = 1
    else:
        state["here"] = sorted({{*state["here"], rest[1]}})
elif command == "run":
    options = dict(zip(rest[1:-1:2], rest[2::2]))
    start = rest.index("--entrypoint")
    assert rest[0] == "--rm" and options["--network"] == "none" and options["--cap-drop"] == "all", rest
    reference = rest[start + 2]
    assert reference in state["here"], reference
    found = state["images"][reference.partition("@")[2]]
    print(found.get("prints", ""))
    print(found.get("says", ""), file=sys.stderr)
    code = found.get("code", 0)
elif command == "rm":
    assert rest[0] == "--force", rest
else:
    sys.exit(f"unknown: {{sys.argv}}")
world.write_text(json.dumps(state))
sys.exit(code)
"""


class Engine:
    """A docker that knows what each image, by its digest, prints."""

    def __init__(self, folder: Path) -> None:
        self.world = folder / "world.json"
        self.write(runs=True, images={}, here=[], asked=[])
        program = folder / "docker"
        program.write_text(DOCKER.format(python=sys.executable))
        program.chmod(0o755)

    def write(self, **changes: Any) -> None:
        before = json.loads(self.world.read_text()) if self.world.exists() else {}
        self.world.write_text(json.dumps({**before, **changes}))

    def read(self) -> dict[str, Any]:
        return dict(json.loads(self.world.read_text()))

    def asked(self, *command: str) -> list[list[str]]:
        return [each for each in self.read()["asked"] if each[: len(command)] == list(command)]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: Context) -> Engine:
    """The one engine there is, and the runner's images of 0.7.0 out, all sound."""
    made = Engine(tmp_path)
    monkeypatch.setattr("release.artifacts.smoke.ENGINES", ENGINES)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
    monkeypatch.setattr("shutil.which", lambda name, **_: str(tmp_path / name) if name == "docker" else None)
    image.release(again(context), "0.7.0")
    found = digests(again(context), runner_images(context, VERSION))
    made.write(images={digest: {"prints": "0.7.0"} for digest in found.values()})
    return made


def only(engine: Engine, **what: Any) -> str:
    """Have the first image be so, and return its digest."""
    images = engine.read()["images"]
    first = next(iter(images))
    engine.write(images={**images, first: what})
    return str(first)


def test_each_image_is_started_by_its_digest_and_leaves_nothing(context: Context, engine: Engine) -> None:
    here = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/lepton@{next(iter(engine.read()['images']))}"
    engine.write(here=[here])
    one = again(context)
    image.smoke(one, "0.7.0")
    assert printed(one).count("starts, and prints 0.7.0") == 5
    runs = engine.asked("run")
    assert len(runs) == 5
    assert all(run[-2:] == ["-c", "import leptonai; print(leptonai.__version__)"] for run in runs)
    assert all(run[run.index("--entrypoint") + 1] == "python" for run in runs)
    names = [run[run.index("--name") + 1] for run in runs]
    assert [each[-1] for each in engine.asked("rm")] == names, "a container goes, whatever became of its client"
    assert engine.read()["here"] == [here], "what was there before stays"
    dry = again(context, dry=True)
    image.smoke(dry, "0.7.0")
    assert "start the images of 0.7.0 and run what release.smoke says (to do)" in printed(dry)
    assert len(engine.asked("run")) == 5


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"prints": "0.7.00"}, r"it prints '0\.7\.00', not 0\.7\.0"),
        ({"prints": "0.7.0", "code": 1, "says": "No module named leptonai"}, "python exited 1: No module named"),
        ({"code": 126, "says": "python: permission denied"}, "python exited 126: python: permission denied"),
        ({"refused": "manifest unknown"}, "it cannot be pulled: manifest unknown"),
    ],
)
def test_a_broken_image_is_caught(context: Context, engine: Engine, what: dict[str, Any], words: str) -> None:
    only(engine, **what)
    with pytest.raises(Failed, match="1 of 5 images do not do what they have to") as failed:
        image.smoke(again(context), "0.7.0")
    (problem,) = failed.value.problem.splitlines()[1:]
    assert re.fullmatch(f"lepton:photon-py3.7-runner-0.7.0: {words}.*", problem)


UNABLE: list[dict[str, Any]] = [
    {"code": 125, "says": "the engine's own"},
    {"refused": "denied: no basic auth credentials"},
    {"code": 1, "says": "exec format error"},
]


@pytest.mark.parametrize("what", UNABLE)
def test_what_cannot_be_tried_here_is_skipped_and_never_passed(
    context: Context, engine: Engine, what: dict[str, Any]
) -> None:
    only(engine, **what)
    one = again(context)
    image.smoke(one, "0.7.0")
    assert "skipped: lepton:photon-py3.7-runner-0.7.0 cannot be had or run here" in printed(one)
    assert printed(one).count("starts, and prints") == 4
    engine.write(runs=False)
    none = again(context)
    image.smoke(none, "0.7.0")
    assert "skipped: no image of 0.7.0 is started: neither docker nor podman runs here" in printed(none)
    assert "starts, and" not in printed(none)
    off = again(context, settings=Settings(release=context.settings.release, image=Image(smoke=False)))
    image.smoke(off, "0.7.0")
    assert "skipped: no image is started (image.smoke is false)" in printed(off)


def test_the_platforms_images_run_what_the_settings_say(sandbox: Sandbox, context: Context, engine: Engine) -> None:
    doubles = Doubles(sandbox)
    for name in ("lepton-web", "lepton-api-server"):
        doubles.push(name, "0.7.0")
    release = Release(poll=context.settings.release.poll, smoke={"lepton-web": PLATFORM})
    one = again(context, settings=Settings(release=release, sdk=Sdk(smoke=False)))
    (digest,) = digests(again(context), ["lepton-web:0.7.0"]).values()
    engine.write(images={**engine.read()["images"], digest: {"prints": "the\n server 0.7.0 \n"}})
    try_release(one, VERSION, None, ("lepton-web", "lepton-api-server"))
    assert "skipped: lepton-api-server: release.smoke has no command for it" in printed(one)
    assert "image lepton-web:0.7.0 starts, and prints server 0.7.0" in printed(one)
    (run,) = (each for each in engine.asked("run") if "serve" in each)
    assert run[run.index("serve") + 1].endswith(f"/lepton-web@{digest}")
    assert run[-1] == "--version"


@pytest.mark.parametrize(
    ("printed", "expected", "value"),
    [
        ("0.7.0", "0.7.0", True), ("lep, version 0.7.0", "0.7.0", True), ("version 0.7.0,", "0.7.0", True),
        ("0.7.00", "0.7.0", False), ("10.7.0", "0.7.0", False), ("0.7.0-rc.1", "0.7.0", False),
        ("a\n  acme api 0.7.0 \nb", "acme api 0.7.0", True), ("acme api 0.7.0 more", "acme api 0.7.0", False),
    ],
)  # fmt: skip
def test_what_is_printed_has_the_word_or_the_line(printed: str, expected: str, value: bool) -> None:
    assert says(printed, expected) == value


WRONG = [{}, {"command": []}, {"command": "python"}, {"comand": ["x"]}, {"command": ["x"], "prints": ""}]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_command_that_cannot_be_is_named_by_its_key(wrong: dict[str, Any]) -> None:
    given = {**DEFAULTS, "release": {**DEFAULTS["release"], "smoke": {"acme-api": wrong}}}
    with pytest.raises(Usage, match=r"release\.smoke\.acme-api"):
        read(given)


# --- a real engine ---

PROGRAM = '#include <stdio.h>\nint main(void) { puts("0.7.0"); return 0; }\n'
REAL = shutil.which("podman") and shutil.which("docker-registry") and shutil.which("gcc")


def ran(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="podman, docker-registry and gcc are not all here")
def test_a_real_engine_starts_a_real_image(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a registry on loopback, an image of one program that is called python, and says 0.7.0 as 0.7.1 too."""
    (tmp_path / "files" / "usr" / "bin").mkdir(parents=True)
    (tmp_path / "python.c").write_text(PROGRAM)
    ran(tmp_path, "gcc", "-static", "-o", "files/usr/bin/python", "python.c")
    ran(tmp_path, "tar", "-C", "files", "-cf", "image.tar", ".")
    monkeypatch.setattr("release.artifacts.smoke.ENGINES", ("podman",))
    for url in serving(tmp_path):
        host = url.removeprefix("http://")
        (tmp_path / "registries.conf").write_text(f'[[registry]]\nlocation = "{host}"\ninsecure = true\n')
        monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))
        for version in ("0.7.0", "0.7.1"):
            name = f"{host}/lepton:runner-py3.11-{version}"
            ran(tmp_path, "podman", "import", "image.tar", name)
            ran(tmp_path, "podman", "push", name)
            alone = subprocess.run(
                ["podman", "run", "--rm", name, "python"], capture_output=True, text=True, check=False
            )
            if alone.returncode:
                pytest.skip(f"podman starts nothing here: {alone.stderr[-200:]}")
            ran(tmp_path, "podman", "image", "rm", "--force", name)
        own = Image(registry=url, tags="runner-py{python}-{version}", pythons=["3.11"])
        one = again(context, settings=Settings(release=context.settings.release, image=own))
        image.smoke(one, "0.7.0")
        assert "image lepton:runner-py3.11-0.7.0 starts, and prints 0.7.0" in printed(one)
        with pytest.raises(Failed, match=r"it prints '0\.7\.0', not 0\.7\.1"):
            image.smoke(again(one), "0.7.1")
