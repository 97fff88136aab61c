"""What happened in the sample monorepo until now."""

from __future__ import annotations

from dataclasses import dataclass

Edit = tuple[str, str, str]  # path, what stood there, what stands there now


@dataclass(frozen=True)
class Chapter:
    """One commit; a branch that is new begins at the tag `parent`."""

    title: str
    date: str
    branch: str = "main"
    parent: str = ""
    edits: tuple[Edit, ...] = ()
    tag: str = ""
    annotated: bool = False


_CONFIG = "sdk/leptonai/config.py"
_CLIENT = "sdk/leptonai/client.py"
_OPENAPI = "backend/openapi.yaml"
_SERVER = "backend/server.py"


def _image(old: str, new: str) -> Edit:
    return _CONFIG, f'BASE_IMAGE_VERSION = "{old}"  #', f'BASE_IMAGE_VERSION = "{new}"  #'


_TRAILING_SLASH = (
    ("sdk/leptonai/photon.py", 'path or f"/{method.__name__}"', '"/" + (path or method.__name__).strip("/")'),
)
_STABLE_ORDER = ((_SERVER, "list(PHOTONS.values())", 'sorted(PHOTONS.values(), key=lambda photon: photon["name"])'),)
_SCALING = (
    (
        _OPENAPI,
        "    delete:\n      operationId: deleteDeployment\n",
        """    patch:
      operationId: scaleDeployment
      parameters:
        - $ref: "#/components/parameters/name"
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [min_replicas]
              properties:
                min_replicas:
                  type: integer
      responses:
        "200":
          description: The deployment as it will be.
          content:
            application/json:
              schema:
                $ref: "#/components/schemas/Deployment"
    delete:
      operationId: deleteDeployment
""",
    ),
    (
        _SERVER,
        "    def do_DELETE(self):\n",
        """    def do_PATCH(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        deployment = DEPLOYMENTS[self.path.rsplit("/", 1)[-1]]
        deployment["min_replicas"] = asked["min_replicas"]
        self.answer(200, deployment)

    def do_DELETE(self):
""",
    ),
    (
        _CLIENT,
        "    def remove(self, name):\n",
        '''    def scale(self, name, min_replicas):
        """Set how many replicas a deployment has at least."""
        return self._request("PATCH", f"/deployments/{name}", {"min_replicas": min_replicas})

    def remove(self, name):
''',
    ),
)
_VARIABLES = (
    (
        _OPENAPI,
        "        state:\n",
        """        envs:
          type: object
          additionalProperties:
            type: string
        state:
""",
    ),
    (
        _CLIENT,
        '''    def deploy(self, name, photon_id, min_replicas=1):
        """Run a photon under a name."""
        body = {"name": name, "photon_id": photon_id, "min_replicas": min_replicas}
''',
        '''    def deploy(self, name, photon_id, min_replicas=1, envs=None):
        """Run a photon under a name, with environment variables."""
        body = {"name": name, "photon_id": photon_id, "min_replicas": min_replicas, "envs": envs or {}}
''',
    ),
)
_MESSAGES = (
    (_CLIENT, "import json\nimport urllib.request\n", "import json\nimport urllib.error\nimport urllib.request\n"),
    (
        _CLIENT,
        """        with urllib.request.urlopen(request, content, timeout=self.timeout) as response:
            text = response.read()
""",
        """        try:
            with urllib.request.urlopen(request, content, timeout=self.timeout) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, error.reason) from error
""",
    ),
)
_ESCAPED_NAMES = (("web/src/main.js", "`${photon.name} (${photon.model})`", "`${photon.name} · ${photon.model}`"),)
_NEW_PAGE = (
    ("web/index.html", "    <h1>Photons</h1>\n", "    <h1>Photons</h1>\n    <p>Run one with <code>lep</code>.</p>\n"),
)
_LINE_5 = "release-0.5-20260601"
_LINE_6 = "release-0.6-20260901"
CHAPTERS = (
    Chapter("Start the platform (#1)", "2026-06-01T09:00:00+00:00", tag="0.5.0"),
    Chapter("fix: take handler paths with slashes (#4)", "2026-06-16T10:00:00+00:00", edits=_TRAILING_SLASH),
    Chapter(
        "fix: take handler paths with slashes (#4)",
        "2026-06-16T15:00:00+00:00",
        _LINE_5,
        "0.5.0",
        _TRAILING_SLASH,
        "0.5.1",
    ),
    Chapter("feat: deployments can be scaled (#6)", "2026-07-21T10:00:00+00:00", edits=_SCALING),
    Chapter(
        "Use image 0.6.0 (#8)",
        "2026-09-01T08:00:00+00:00",
        edits=(_image("0.5.0", "0.6.0"),),
        tag="0.6.0",
    ),
    Chapter("fix: list photons in a stable order (#9)", "2026-09-08T11:00:00+00:00", edits=_STABLE_ORDER),
    Chapter(
        "fix: list photons in a stable order (#9)",
        "2026-09-08T14:00:00+00:00",
        _LINE_6,
        "0.6.0",
        _STABLE_ORDER,
        "0.6.1",
        True,
    ),
    Chapter("Use image 0.6.2 (#11)", "2026-10-06T09:00:00+00:00", edits=(_image("0.6.0", "0.6.2"),)),
    Chapter(
        "Use image 0.6.2 (#11)",
        "2026-10-06T10:00:00+00:00",
        _LINE_6,
        "",
        (_image("0.6.0", "0.6.2"),),
        "0.6.2",
    ),
    Chapter("feat: deployments take environment variables (#12)", "2026-10-20T10:00:00+00:00", edits=_VARIABLES),
    Chapter("fix: say what the server said (#13)", "2026-11-03T10:00:00+00:00", edits=_MESSAGES),
    Chapter("docs: say how to run a photon (#14)", "2026-11-09T10:00:00+00:00", edits=_NEW_PAGE),
    Chapter("fix: show names apart from models (#15)", "2026-11-17T10:00:00+00:00", edits=_ESCAPED_NAMES),
)
