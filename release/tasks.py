"""The flat set of tasks."""

from __future__ import annotations

from invoke.collection import Collection

from release import image, pipelines, platform, release, sdk
from release.cli import collection
from release.compat import compat
from release.component import component
from release.doctor import doctor
from release.init import init
from release.notes import notes
from release.patch import patch
from release.pick import pick
from release.sandbox.tasks import demo, rehearse, serve
from release.status import status
from release.verify import verify

namespace = Collection(
    collection(
        "release",
        [
            release.next_,
            release.check,
            release.branch,
            release.tag,
            notes,
            verify,
            status,
            doctor,
            init,
            pick,
            pipelines.minor,
            pipelines.major,
            patch,
            component,
            compat,
        ],
    ),
    collection("sdk", [sdk.build, sdk.test, sdk.publish, sdk.dispatch, sdk.watch, sdk.wheel, sdk.release]),
    collection("image", [image.bump, image.dispatch, image.watch, image.check, image.pr, image.release]),
    collection("platform", [platform.watch, platform.check]),
    collection("sandbox", [demo, serve, rehearse]),
)
