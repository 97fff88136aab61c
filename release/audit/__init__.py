"""What a release has to be, and the proof that it is.

expected.py   what a version has to be, by its tag
proofs.py     a function a proof, and all of them side by side
withdrawal.py a version taken back, and put back as it was
receipt.py    a proved release made public: its in-toto Statement, and its GitHub Release, a draft until then
overview.py   what is out of the newest versions, read side by side
status.py     the same as values, tables and JSON, with what to type next; page.py: as HTML
checkup.py    the doctor's checks of machine, token and places; fit.py: of the settings against the repository
rights.py     which permissions each task asks for
preview.py    what merging a pull request means
readiness.py  go or no-go, a gate each; freeze.py: when nothing is released
safeguards.py what keeps a release as it is, set where it is not
starter.py    the files that another repository begins with; adoption.py: the settings that it tells
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from release import late_modules

if TYPE_CHECKING:
    from release.audit import (
        adoption,
        checkup,
        expected,
        fit,
        overview,
        page,
        preview,
        proofs,
        readiness,
        receipt,
        safeguards,
        starter,
        status,
        withdrawal,
    )

__getattr__ = late_modules(__name__)
