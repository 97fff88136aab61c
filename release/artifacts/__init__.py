"""What ships and where: wheel, S3, images and their registries.

build.py              a wheel from the sources, tried; wheel.py: its bytes, read and judged
version_file.py       where the wheel's version comes from, held against the tag's
s3.py                 what is under the release prefix: a version's wheel, its run; aws.py: S3 and ECR themselves
images.py             which images belong to a version, and whether they are out; oci.py: any registry
image_release.py      the image's version in config.py, pushed; its run, proof and pull request; image_bump.py: its text
smoke.py              the wheel installed and the images started, as their users will
component_release.py  an individual release, behind the gate
next_release.py       which version is next, and the one rule before every tag
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import late_modules

if TYPE_CHECKING:
    from release.artifacts import (
        aws,
        build,
        component_release,
        image_release,
        images,
        next_release,
        oci,
        s3,
        smoke,
        version_file,
        wheel,
    )  # fmt: skip

__getattr__ = late_modules(__name__)
