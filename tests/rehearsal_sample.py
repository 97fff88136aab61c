"""A monorepo as teams have it: commands in the steps, tools installed by them, images built by a reusable workflow.

`files()` is its one commit; the defaults of the settings are what it is released with.
"""

from __future__ import annotations

from release.sandbox import sample

WORKFLOWS = ".github/workflows"

SDK = """\
name: SDK release

on:
  workflow_dispatch:
    inputs:
      publish_s3: {type: boolean, default: false}
      publish_pypi: {type: boolean, default: false}
      run_e2e: {type: boolean, default: false}
      is_release: {type: boolean, default: false}

permissions:
  contents: read

jobs:
  build-package:
    runs-on: [self-hosted, linux]
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - name: Build the wheel
        run: |
          pip wheel --no-deps --wheel-dir dist ./sdk
          ls -l dist
      - uses: actions/upload-artifact@v4
        with:
          name: wheel
          path: dist/*.whl

  test-package:
    needs: build-package
    runs-on: [self-hosted, linux]
    strategy:
      matrix:
        python-version: ["3.10", "3.11"]
    steps:
      - uses: actions/setup-python@v5
        with:
          python-version: ${{ matrix.python-version }}
      - uses: actions/download-artifact@v4
        with:
          name: wheel
          path: dist
      - name: Install and ask
        run: |
          python -m venv fresh
          fresh/bin/pip install --no-deps dist/*.whl
          fresh/bin/lep --version

  publish-s3:
    if: inputs.publish_s3
    needs: [build-package, test-package]
    runs-on: [self-hosted, linux]
    permissions:
      contents: read
      id-token: write
    steps:
      - uses: actions/download-artifact@v4
        with:
          name: wheel
          path: dist
      - uses: aws-actions/configure-aws-credentials@v4
        with:
          role-to-assume: ${{ secrets.RELEASE_ROLE }}
          aws-region: us-east-1
      - name: Install the AWS CLI
        run: |
          curl -fsSL "https://awscli.amazonaws.com/awscli-exe-linux-x86_64.zip" -o awscliv2.zip
          unzip -q awscliv2.zip
          sudo ./aws/install --update
          aws --version
      - name: Publish a release
        if: inputs.is_release
        run: |
          for wheel in dist/*.whl; do
            aws s3 cp "$wheel" s3://lepton-sdk/release/
          done
      - name: Publish a build
        if: ${{ !inputs.is_release }}
        run: aws s3 cp dist/ s3://lepton-sdk/ --recursive --exclude "*" --include "*.whl"

  publish-pypi:
    if: inputs.publish_pypi
    needs: [build-package, test-package]
    runs-on: [self-hosted, linux]
    steps:
      - uses: actions/download-artifact@v4
        with:
          name: wheel
          path: dist
      - run: twine upload dist/*
        env:
          TWINE_USERNAME: __token__
          TWINE_PASSWORD: ${{ secrets.PYPI_TOKEN }}
"""

IMAGES = """\
name: Photon runner images

on:
  workflow_dispatch:
    inputs:
      version: {type: string, required: true}
      is_release: {type: boolean, default: false}

env:
  REGISTRY: 123456789012.dkr.ecr.us-east-1.amazonaws.com
  REPOSITORY: lepton

jobs:
  build-images:
    runs-on: [self-hosted, linux]
    timeout-minutes: 120
    steps:
      - uses: actions/checkout@v4
      - uses: aws-actions/configure-aws-credentials@v4
        with:
          role-to-assume: ${{ secrets.RELEASE_ROLE }}
          aws-region: us-east-1
      - name: Log in to ECR
        run: aws ecr get-login-password --region us-east-1 | docker login --username AWS --password-stdin "$REGISTRY"
      - name: Build and push
        env:
          VERSION: ${{ inputs.version }}
          IS_RELEASE: ${{ inputs.is_release }}
        run: |
          for py in 3.7 3.8 3.9 3.10 3.11; do
            tag="$REGISTRY/$REPOSITORY:photon-py${py}-runner-${VERSION}"
            docker build -t "$tag" --build-arg PYTHON="$py" --build-arg VERSION="$VERSION" -f images/Dockerfile images
            if [ "$IS_RELEASE" = "true" ]; then
              docker push "$tag"
            fi
            docker rmi "$tag"
          done
"""

BUILD_IMAGE = """\
name: Build a Docker image

on:
  workflow_call:
    inputs:
      image: {type: string, required: true}
      folder: {type: string, required: true}
      tag: {type: string, required: true}
    secrets:
      RELEASE_ROLE: {required: false}
    outputs:
      name:
        description: What was pushed
        value: ${{ jobs.build.outputs.name }}

jobs:
  build:
    runs-on: [self-hosted, linux]
    outputs:
      name: ${{ steps.push.outputs.name }}
    steps:
      - uses: actions/checkout@v4
      - uses: aws-actions/configure-aws-credentials@v4
        with:
          role-to-assume: ${{ secrets.RELEASE_ROLE }}
          aws-region: us-east-1
      - id: login
        uses: aws-actions/amazon-ecr-login@v2
      - id: push
        name: Build and push
        run: |
          name="${{ steps.login.outputs.registry }}/${{ inputs.image }}:${{ inputs.tag }}"
          docker build --tag "$name" ${{ inputs.folder }}
          docker push "$name"
          echo "name=$name" >> "$GITHUB_OUTPUT"
"""

WORKSPACE = """\
name: Workspace release

on:
  push:
    tags: ["[0-9]+.[0-9]+.[0-9]+"]

jobs:
  backend:
    strategy:
      matrix:
        include:
          - { image: lepton-api-server, folder: backend }
          - { image: lepton-deployment-operator, folder: backend/operator }
    uses: ./.github/workflows/build-docker-image.yaml
    with:
      image: ${{ matrix.image }}
      folder: ${{ matrix.folder }}
      tag: ${{ github.ref_name }}
    secrets: inherit
"""

WEB = """\
name: Web release

on:
  push:
    tags: ["[0-9]+.[0-9]+.[0-9]+"]

jobs:
  web:
    uses: ./.github/workflows/build-docker-image.yaml
    with:
      image: lepton-web
      folder: web
      tag: ${{ github.ref_name }}
    secrets:
      RELEASE_ROLE: ${{ secrets.RELEASE_ROLE }}
  tell:
    needs: web
    runs-on: [self-hosted, linux]
    steps:
      - run: echo "pushed ${{ needs.web.outputs.name }}"
"""


def files() -> dict[str, str]:
    """The trunk, by path."""
    sources = {path: text for path, text in sample.files().items() if not path.startswith(f"{WORKFLOWS}/")}
    operator = {"backend/operator/Dockerfile": "FROM python:3.11-slim\nCOPY main.py .\n"}
    return {
        **operator,
        **sources,
        f"{WORKFLOWS}/sdk-release.yaml": SDK,
        f"{WORKFLOWS}/photon-runner-docker-images.yaml": IMAGES,
        f"{WORKFLOWS}/build-docker-image.yaml": BUILD_IMAGE,
        f"{WORKFLOWS}/workspace-release.yaml": WORKSPACE,
        f"{WORKFLOWS}/web-release.yaml": WEB,
    }
