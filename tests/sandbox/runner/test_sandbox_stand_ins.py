"""The programs that stand in for those which reach beyond the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from release.sandbox import Sandbox
from release.sandbox.runner.stand_ins import install, own_folder, write_python

REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
Sh = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    with Sandbox({"README.md": ""}) as sandbox:
        yield sandbox


@pytest.fixture
def sh(world: Sandbox, tmp_path: Path) -> Sh:
    """`sh(script)` runs it with the stand-ins first on the path."""
    install(tmp_path / "bin")

    def run(script: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
        env = {**world.job_environment(), "PATH": path, "RUNNER_TEMP": str(tmp_path), "HOME": str(tmp_path)}
        ran = subprocess.run(
            ["bash", "-ec", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran

    return run


def test_the_aws_cli_is_installed_by_the_words_of_its_manual(sh: Sh) -> None:
    said = sh(
        """
        curl "https://awscli.amazonaws.com/awscli-exe-linux-x86_64.zip" -o "awscliv2.zip"
        python -m zipfile -l awscliv2.zip; unzip -q awscliv2.zip
        sudo -E ./aws/install --update; aws --version
        """
    ).stdout
    assert "aws/install" in said
    assert "stand-in" in said.splitlines()[-1]


@pytest.mark.slow
def test_files_of_s3(sh: Sh) -> None:
    listed = sh(
        """
        mkdir -p dist/sub; echo one > dist/a.whl; echo two > dist/b.txt; echo three > dist/sub/c.whl
        aws s3 cp dist/a.whl s3://lepton-sdk/cp/ --acl public-read --only-show-errors
        aws s3 cp dist s3://lepton-sdk/all/ --recursive --exclude '*' --include '*.whl'
        aws s3 sync s3://lepton-sdk/all back; cat back/sub/c.whl
        aws s3 ls s3://lepton-sdk/all/; aws s3 rm s3://lepton-sdk/all/a.whl
        aws s3 ls s3://lepton-sdk/ --recursive | awk '{print $4}'
        """
    ).stdout.splitlines()
    assert "three" in listed
    assert listed[-2:] == ["all/sub/c.whl", "cp/a.whl"]
    assert any(line.split() == ["PRE", "sub/"] for line in listed)
    sh("aws s3 ls s3://lepton-sdk/nothing", code=1)


@pytest.mark.slow
def test_operations_of_s3_and_ecr_by_their_names(sh: Sh) -> None:
    said = sh(
        """
        echo x > file; aws s3api put-object --bucket lepton-sdk --key k --body file --if-none-match '*' > /dev/null
        aws s3api head-object --bucket lepton-sdk --key k --query ContentLength
        aws s3api get-object --bucket lepton-sdk --key k out > /dev/null; cat out
        aws sts get-caller-identity --query Account --output text
        mkdir -p image; echo "FROM scratch" > image/Dockerfile
        docker build -q -t r.example/lepton:named image; docker push -q r.example/lepton:named
        aws ecr describe-images --repository-name lepton --image-ids imageTag=named --query 'imageDetails[].imageTags[]'
        """
    ).stdout.split()
    assert said[:3] == ["2", "x", "123456789012"]
    assert said[-2] == '"named"'
    missing = sh("aws ecr describe-images --repository-name lepton --image-ids imageTag=none", code=254)
    assert "ImageNotFoundException" in missing.stderr
    assert "404" in sh("aws s3api head-object --bucket lepton-sdk --key none", code=254).stderr
    assert "does not know: aws iam list-users" in sh("aws iam list-users", code=252).stderr


def test_an_image_is_made_of_what_it_is_built_from(sh: Sh) -> None:
    def built(file: str, *flags: str) -> str:
        sh(f"mkdir -p c; printf '{file}' > c/Dockerfile; docker build {' '.join(flags)} -t one c")
        return sh("docker inspect --format '{{.Id}}' one").stdout

    first = built("ARG V=1\\nFROM base:${V}\\n")
    assert built("ARG V=1\\nFROM base:${V}\\n") == first
    others = [
        built("ARG V=1\\nFROM base:${V}\\n", "--build-arg", "V=2"),
        built("ARG V=1\\nFROM base:${V}\\n", "--label", "a=b"),
        built("ARG V=1\\nFROM other:${V}\\n"),
    ]
    assert len({first, *others}) == 4


def test_pushed_tagged_removed_and_what_is_not_there(world: Sandbox, sh: Sh) -> None:
    sh(
        f"""
        mkdir -p c; echo "FROM scratch" > c/Containerfile
        aws ecr get-login-password | docker login --username AWS --password-stdin {REGISTRY}
        podman build --tag one -f c/Containerfile c; docker tag one {REGISTRY}/lepton:two
        docker push {REGISTRY}/lepton:two; docker rmi one {REGISTRY}/lepton:two; test -z "$(docker images)"
        docker manifest inspect {REGISTRY}/lepton:two > /dev/null; docker pull {REGISTRY}/lepton:two
        docker buildx build --push -t {REGISTRY}/lepton:three -f c/Containerfile c
        """
    )
    assert world.cloud is not None
    listed = world.cloud.client("ecr").list_images(repositoryName="lepton")["imageIds"]
    assert {"two", "three"} <= {each.get("imageTag") for each in listed}
    assert "does not know: docker run x" in sh("docker run x", code=1).stderr
    assert "does not know: docker push one" in sh("docker push one", code=1).stderr
    assert "no other one is asked" in sh("docker pull python:3.11", code=1).stderr


def test_the_web_is_loopback(world: Sandbox, sh: Sh) -> None:
    url = f"{world.github.api_url}/repos/{world.github.hub.full_name}"
    assert (
        '"full_name"' in sh(f"curl -fsS -H 'Authorization: Bearer {world.environment()['GITHUB_TOKEN']}' {url}").stdout
    )
    refused = sh("curl -fsSL https://example.com/install.sh | sh; exit ${PIPESTATUS[0]}", code=1).stderr
    assert "asks nobody beyond loopback: curl https://example.com/install.sh" in refused
    assert "RELEASE_STAND_INS" in refused
    assert "wget https://example.com" in sh("wget -q https://example.com/x.tar.gz", code=1).stderr


def test_loopback_is_asked_by_the_real_program_though_a_docker_is_beside_it(world: Sandbox, sh: Sh) -> None:
    real = """
        mkdir -p real; printf '#!/bin/sh\\necho "real $*"\\n' > real/curl; cp real/curl real/docker; chmod +x real/*
    """
    said = sh(f'{real}\nPATH="${{PATH%%:*}}:$PWD/real" curl -X POST {world.github.api_url}').stdout
    assert said == f"real -X POST {world.github.api_url}\n"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("twine upload dist/x.whl", 0),
        ("kubectl -n prod apply -f x.yaml", 1),  # what a flag's value is cannot be told
        ("kubectl apply -f x.yaml -n prod", 0),
        ("helm upgrade --install web chart", 0),
        ("terraform apply -auto-approve", 0),
        ("gh release create 0.7.0 --notes x", 0),
        ("gh api repos/a/b", 1),
        ("kubectl get pods", 1),
        ("twine check nothing.whl", 1),
    ],
)
def test_a_write_is_recorded_and_a_question_fails_by_name(sh: Sh, command: str, code: int) -> None:
    ran = sh(command, code)
    assert ("the sandbox records: " + command in ran.stdout) is (code == 0)
    assert code == 0 or command.split(maxsplit=1)[0] in ran.stderr + ran.stdout or "ERROR" in ran.stdout


def test_pip_records_what_is_not_here(tmp_path: Path) -> None:
    write_python(tmp_path, "3.12", sys.executable)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PIP_NO_INDEX": "1"}
    script = "python -m pip install --upgrade pip no-such-package; pip install no-such-package; pip --version"
    ran = subprocess.run(["sh", "-ec", script], env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("the sandbox records: pip install no-such-package") == 2
    assert "Requirement already satisfied: pip" in ran.stdout


def test_a_persons_own_stand_in_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEASE_STAND_INS", "/own")
    assert own_folder() == ["/own"]
