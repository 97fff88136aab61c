"""An OCI registry over the images that the sandbox's ECR has: what is pushed to one is in the other."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Ecr = Callable[..., Any]
API = "/v2/"
_RESOURCE = re.compile(r"/v2/(.+)/(?:manifests/([^/]+)|(tags)/list)")


def registry(ecr: Ecr) -> WSGIApplication:
    """Make the application; `ecr(action, **body)` answers as ECR does, and raises RuntimeError for a refusal."""

    @Request.application
    def answer(request: Request) -> Response:
        found = _RESOURCE.fullmatch(request.path)
        if found is None:
            return Response("{}", 200 if request.path == API else 404, mimetype="application/json")
        try:
            return _answer(request, ecr, *found.groups())
        except (RuntimeError, IndexError):
            return Response('{"errors": [{"code": "MANIFEST_UNKNOWN"}]}', 404, mimetype="application/json")

    return answer


def _answer(request: Request, ecr: Ecr, name: str, tag: str, listing: str | None) -> Response:
    if listing:
        tags = [each["imageTag"] for each in ecr("ListImages", repositoryName=name)["imageIds"]]
        return Response(json.dumps({"name": name, "tags": sorted(tags)}), mimetype="application/json")
    if request.method == "PUT":
        content = request.get_data(as_text=True)
        digest = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
        image = {"imageManifest": content, "imageManifestMediaType": request.mimetype, "imageDigest": digest}
        ecr("PutImage", repositoryName=name, imageTag=tag, **image)
        return Response(status=201, headers={"Docker-Content-Digest": digest})
    found = ecr("BatchGetImage", repositoryName=name, imageIds=[{"imageTag": tag}])["images"][0]
    headers = {"Docker-Content-Digest": found["imageId"]["imageDigest"]}
    return Response(found["imageManifest"], headers=headers, mimetype=found["imageManifestMediaType"])
