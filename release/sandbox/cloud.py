"""S3, ECR and an OCI registry on one loopback port: moto, in this process."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from werkzeug.test import Client
from werkzeug.wrappers import Response

from release.sandbox.registry import API, registry
from release.sandbox.serving import Faults, Front, Recorded, Server
from release.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BUCKET = Settings().sdk.bucket
REPOSITORIES = Settings().image_repositories
REGION = "us-east-1"
KEY_ID = "sandbox"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
# Steps ask it too (F36), and others of moto's would ask further addresses (SNS), start containers or write files.
_SERVICES = ("s3", "ecr", "sts")


class Cloud:
    """An AWS account with one bucket and the image repositories; its content is the process's, so one at a time."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._registry = registry(self._ecr)
        self.front = Front(self._application)
        self._server = Server(self.front)
        self._images: list[str] | None = None  # what is to be filled in
        self._filling = threading.RLock()
        self.url = self._server.url

    @property
    def requests(self) -> list[Recorded]:
        """Every request, in the order it came."""
        return self.front.requests

    @property
    def faults(self) -> Faults:
        """How the server misbehaves."""
        return self.front.faults

    def start(self, images: Iterable[str] = ()) -> None:
        """Serve from now on: an empty bucket, and the repositories, the runner's with these tags."""
        self._images = list(images)
        self._server.start()

    def forget_images(self) -> None:
        """Have the repositories empty from the start; nobody has asked for anything yet."""
        self._images = []

    def _fill(self) -> None:
        """Make what is there from the start, when somebody first asks: that takes longer than all else of a sandbox."""
        with self._filling:
            images, self._images = self._images, None
            if images is None:
                return
            _reset()
            self._ask("s3", "PUT", f"/{self.settings.sdk.bucket}")
            for repository in self.settings.image_repositories:
                self._ecr("CreateRepository", repositoryName=repository)
            for tag in images:
                self.push_image(self.settings.image.repository, tag)

    def stop(self) -> None:
        """End serving."""
        self._server.stop()

    def push_image(self, repository: str, tag: str, content: str = "", digest: str = "") -> str:
        """Give an image that is its content's to a tag, as a `docker push` would; answer its digest, or that given."""
        kind = "application/vnd.oci.image"
        layer, empty = (f"sha256:{hashlib.sha256(each).hexdigest()}" for each in ((content or tag).encode(), b"{}"))
        config = {"mediaType": f"{kind}.config.v1+json", "size": 2, "digest": empty}
        layers = [{"mediaType": f"{kind}.layer.v1.tar", "size": 1, "digest": layer}]
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
        return self.push_manifest(repository, tag, manifest, digest)

    def push_manifest(self, repository: str, tag: str, manifest: str, digest: str = "") -> str:
        """Give a manifest to a tag, or find that it has it; answer its digest, or that given."""
        digest = digest or f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
        image = {"imageManifest": manifest, "imageManifestMediaType": MANIFEST, "imageDigest": digest}
        try:
            self._ecr("PutImage", repositoryName=repository, imageTag=tag, **image)
        except RuntimeError as error:
            if "ImageAlreadyExistsException" not in str(error):  # what a `docker push` does not even tell
                raise
        return digest

    def manifest(self, repository: str, tag: str) -> str | None:
        """Return the manifest that a tag names; nothing where there is none."""
        if repository not in self.settings.image_repositories:
            return None
        found = self._ecr("BatchGetImage", repositoryName=repository, imageIds=[{"imageTag": tag}])["images"]
        return str(found[0]["imageManifest"]) if found else None

    def keys(self, prefix: str) -> list[str]:
        """List the keys of the bucket below a prefix."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def read(self, key: str) -> bytes | None:
        """Read an object of the bucket; nothing where there is none."""
        if key not in self.keys(key):
            return None
        return bytes(self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def put(self, key: str, content: bytes) -> None:
        """Write an object of the bucket."""
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256")

    @property
    def bucket(self) -> str:
        """The one bucket."""
        return self.settings.sdk.bucket

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
        """Name the variables with which AWS's own credentials chain, and a registry that is not AWS's, end here."""
        oci = {} if self.settings.image.registry == "ecr" else {"INVOKE_IMAGE_REGISTRY": self.url}
        return {
            **oci,
            "SANDBOX_REGISTRY": self.url,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": KEY_ID,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _application(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._fill()
        application = self._registry if environ["PATH_INFO"].startswith(API) else _account()
        return application(environ, start_response)

    def _ecr(self, action: str, **body: object) -> Any:
        target = f"AmazonEC2ContainerRegistry_V20150921.{action}"
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        return json.loads(self._ask("ecr", "POST", "/", json.dumps(body).encode(), headers))

    def _ask(
        self, service: str, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> str:
        """Send one request of our own; moto reads the service from the signature and checks nothing else of it."""
        self._fill()
        scope = f"{KEY_ID}/20260101/{REGION}/{service}/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        told = {**(headers or {}), "Authorization": signed}
        answer = Client(_account()).open(path, self.url, method=method, data=body, headers=told)
        if answer.status_code != HTTPStatus.OK:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.get_data(as_text=True)}")
        return answer.get_data(as_text=True)


@cache  # its content is the process's anyway, and its routes take long to make
def _account() -> WSGIApplication:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    def served(service: Any) -> WSGIApplication:
        """Make the application of a service that a release needs; no other one is there."""
        if service in _SERVICES:
            return cast("WSGIApplication", create_backend_app(service))
        return Response(f"the sandbox's cloud has {', '.join(_SERVICES)}, and no {service}", HTTPStatus.NOT_FOUND)

    application = DomainDispatcherApplication(served)  # type: ignore[arg-type]
    # It would list moto's folders at each request to see what there is.
    application.get_backend_for_host = cache(application.get_backend_for_host)  # type: ignore[method-assign]
    return application


def _reset() -> None:
    from moto.moto_api._internal.models import moto_api_backend

    moto_api_backend.reset()
