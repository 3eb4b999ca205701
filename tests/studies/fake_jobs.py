"""Jobs without a training, in a module of their own: the processes of a study import it by name."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any

from crossspace.engine.work import Report
from crossspace.errors import DataError
from crossspace.studies.job import Job, JobProgress, JobSetup


@dataclass(frozen=True)
class Fake(Job):
    """Does what ``what`` says."""

    what: str = "answer"

    def do(self, setup: JobSetup, report: Report) -> Any:
        """Answer, report, fail, or die."""
        if self.what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.what == "leave":
            os._exit(3)
        if self.what == "mistake":
            raise DataError("told in words")
        if self.what == "bug":
            raise ZeroDivisionError
        report(JobProgress(0.5, "half"))
        return self.variant, os.getpid(), setup.threads
