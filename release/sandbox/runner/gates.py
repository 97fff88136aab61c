"""What holds runs and jobs up: concurrency groups and environments, on the whole server."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from release.sandbox.runner.concurrency import Groups
from release.sandbox.runner.environments import Deployment, Environment, Review
from release.sandbox.runner.job import now


@dataclass
class Gates:
    """The groups and environments of a repository, who waits there, and what every wait was for (`stops`)."""

    environments: dict[str, Environment] = field(default_factory=dict)
    groups: Groups = field(default_factory=Groups)
    clock: Callable[[], datetime] = now
    is_protected: Callable[[str], bool] = lambda _: False
    approves: bool = False  # by itself, and lets no timer run: a rehearsal, which tells the stops
    deployments: list[Deployment] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    stops: list[tuple[object, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(5_001))

    def environment(self, name: str) -> Environment:
        """Find an environment in any case of its letters; as on GitHub one that a job names comes to be."""
        with self.lock:
            found = next((each for each in self.environments.values() if each.name.lower() == name.lower()), None)
            found = found or self.environments.setdefault(name, Environment(name))
            found.id = found.id or next(self._ids)
            return found

    def waiting(self, run: object) -> list[Deployment]:
        """List what of a run waits for its environments."""
        with self.lock:
            return [each for each in self.deployments if each.run is run and not each.state]

    def deploy(self, environment: Environment, run: object, job: str) -> Deployment:
        """Have a job ask for its environment; what it waits for is remembered."""
        people = f"the approval of {', '.join(environment.reviewers)}" if environment.reviewers else ""
        timer = f"{environment.wait_minutes} minutes" if environment.wait_minutes else ""
        waits = [what for what in (people, timer) if what]
        with self.lock:
            asked = Deployment(environment, next(self._ids), run, job, self.clock())
            self.stops += [(run, f"environment {environment.name} waits for {what}") for what in waits]
            if waits and not self.approves:
                self.deployments.append(asked)
        return asked

    def review(self, review: Review) -> list[Deployment]:
        """Take a review over; returns the deployments that it was of."""
        found = [each for each in self.waiting(review.run) if each.environment in review.environments]
        with self.lock:
            self.reviews.append(review)
            for each in found:
                each.state = review.state
        return found
