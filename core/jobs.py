"""Keep the jobs that people started beside the pages: their phases, how far they are, and how they ended."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace

from core.change.work import Progress
from core.errors import SwitchyardError
from core.model.alert import Delivery
from core.model.change import ChangeOutcome, Plan
from core.model.snapshot import Job, JobKind, Problem
from core.model.snapshot import Progress as RouteCount
from core.observer import Observer
from core.probe.sweep import SweepReport

log = logging.getLogger(__name__)

JobResult = Plan | ChangeOutcome | SweepReport | Delivery
Work = Callable[[Observer, Progress], Awaitable[JobResult]]
Submit = Callable[[Callable[[Observer], Awaitable[None]]], object]

_KEPT_JOBS = 50
_INTERNAL = Problem(
    code="internal_error",
    message="This failed inside Switchyard.",
    remedy="See the log of this process, and report it.",
)


def new_job_id() -> str:
    """Return a name for a job that nobody can guess."""
    return uuid.uuid4().hex


class Jobs:
    """The newest jobs; `submit` runs work with the observer, where nobody waits for it. Safe from any thread."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def get(self, job_id: str) -> Job | None:
        """Return a job as it stands, None when it is unknown or too old."""
        return self._jobs.get(job_id)

    def start(self, kind: JobKind, work: Work, *, job_id: str | None = None, routes: int = 0) -> str:
        """Start work and return the job's id; `routes` is how many a probe has to count."""
        job = Job(id=job_id or new_job_id(), kind=kind, progress=RouteCount(total=routes))
        self._keep(job)

        def progress(phase: str) -> None:
            present = self._jobs.get(job.id)
            if present is not None:
                self._keep(replace(present, phases=(*present.phases, phase)))

        async def whole(observer: Observer) -> None:
            try:
                self._finish(job.id, await work(observer, progress))
            except SwitchyardError as exc:
                self._finish(job.id, Problem(code=exc.code, message=exc.message, remedy=exc.remedy))
            except Exception:
                # The job's own edge: the person who waits for it must hear of it, and the log has the rest.
                log.exception("job %s failed", job.id)
                self._finish(job.id, _INTERNAL)

        self._submit(whole)
        return job.id

    def count_route(self, job_id: str) -> None:
        """Count one more route of a probe as done."""
        job = self._jobs.get(job_id)
        if job is not None:
            self._keep(replace(job, progress=replace(job.progress, done=job.progress.done + 1)))

    def _finish(self, job_id: str, result: JobResult | Problem) -> None:
        job = self._jobs.get(job_id)
        if job is None:
            return
        job = replace(job, done=True)
        match result:
            case Plan():
                job = replace(job, plan=result)
            case ChangeOutcome():
                job = replace(job, outcome=result)
            case Delivery():
                job = replace(job, delivery=result)
            case Problem():
                job = replace(job, problem=result)
            case SweepReport():
                pass
        self._keep(job)

    def _keep(self, job: Job) -> None:
        with self._lock:
            self._jobs[job.id] = job
            while len(self._jobs) > _KEPT_JOBS:
                del self._jobs[next(iter(self._jobs))]
