"""S3 and ECR on one loopback port: moto, in this process."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.test import Client

from release.sandbox.serving import Faults, Front, Recorded, Server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

BUCKET = "lepton-sdk"
REPOSITORIES = ("lepton", "lepton-api-server", "lepton-deployment-operator", "lepton-web")
REGION = "us-east-1"
KEY_ID = "sandbox"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Cloud:
    """An AWS account with one bucket and the image repositories; its content is the process's, so one at a time."""

    def __init__(self) -> None:
        self.front = Front(_account())
        self._server = Server(self.front)
        self.url = self._server.url

    @property
    def requests(self) -> list[Recorded]:
        """Every request, in the order it came."""
        return self.front.requests

    @property
    def faults(self) -> Faults:
        """How the server misbehaves."""
        return self.front.faults

    def start(self) -> None:
        """Serve from now on, with an empty bucket and empty repositories."""
        self._server.start()
        self._ask("moto-api", "POST", "/moto-api/reset")
        self._ask("s3", "PUT", f"/{BUCKET}")
        for repository in REPOSITORIES:
            self._ecr("CreateRepository", repositoryName=repository)
        self.front.clear()

    def stop(self) -> None:
        """End serving."""
        self._server.stop()

    def push_image(self, repository: str, tag: str, content: str = "") -> str:
        """Give an image that is its content's to a tag, as a `docker push` would; answer its digest."""
        kind = "application/vnd.oci.image"
        layer, empty = (f"sha256:{hashlib.sha256(each).hexdigest()}" for each in ((content or tag).encode(), b"{}"))
        config = {"mediaType": f"{kind}.config.v1+json", "size": 2, "digest": empty}
        layers = [{"mediaType": f"{kind}.layer.v1.tar", "size": 1, "digest": layer}]
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
        digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
        image = {"imageManifest": manifest, "imageManifestMediaType": MANIFEST, "imageDigest": digest}
        self._ecr("PutImage", repositoryName=repository, imageTag=tag, **image)
        return digest

    def client(self, service: str) -> Any:
        """Make a boto3 client for this account."""
        import boto3

        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=KEY_ID,
        )

    def environment(self) -> dict[str, str]:
        """Name the variables with which AWS's own credentials chain ends here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": KEY_ID,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _ecr(self, action: str, **body: object) -> None:
        target = f"AmazonEC2ContainerRegistry_V20150921.{action}"
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        self._ask("ecr", "POST", "/", json.dumps(body).encode(), headers)

    def _ask(
        self, service: str, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> None:
        """Send one request of our own; moto reads the service from the signature and checks nothing else of it."""
        scope = f"{KEY_ID}/20260101/{REGION}/{service}/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        told = {**(headers or {}), "Authorization": signed}
        answer = Client(_account()).open(path, self.url, method=method, data=body, headers=told)
        if answer.status_code != HTTPStatus.OK:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.get_data(as_text=True)}")


@cache  # its content is the process's anyway, and its routes take long to make
def _account() -> WSGIApplication:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)
