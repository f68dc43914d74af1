"""A server: its collections, its keys and what it must not forget, opened and closed together."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from time import monotonic

from index.errors import InvalidSettings
from index.threads import available_cores
from service.engine import Engine
from service.host.admission import Admission
from service.host.arrivals import Bounds
from service.host.collections import DEFAULT, Collections
from service.host.feedback import Feedback
from service.host.idempotency import Idempotency
from service.host.job_records import JobRecords
from service.host.jobs import Jobs
from service.host.keys import Keys
from service.host.rates import RateLimiter
from service.host.room import Room
from service.host.sessions import Sessions
from service.host.sole import Sole
from service.host.spool import Spool
from service.host.state import State
from service.observing.gauges import Gauges
from service.observing.observer import Observer, open_observer
from service.observing.readiness import Readiness
from service.settings import Settings

SERVER = "server"
COLLECTIONS = "collections"
SPOOL = "spool"


class Door(Enum):
    """When keys are asked for."""

    OPEN = "never"
    KEYED = "once one was made"
    LOCKED = "always"


@dataclass(slots=True)
class Server:
    """All that the ways in over a network share."""

    settings: Settings
    folder: Path
    state: State
    keys: Keys
    collections: Collections
    sessions: Sessions
    jobs: Jobs
    idempotency: Idempotency
    feedback: Feedback
    admission: Admission
    door: Door = Door.KEYED
    rates: RateLimiter = field(default_factory=RateLimiter)
    failures: RateLimiter = field(default_factory=RateLimiter)
    drawing: Room = field(default_factory=lambda: Room(4, 1.0))
    removing: Room = field(default_factory=lambda: Room(8, 1.0))
    observer: Observer = field(default_factory=Observer)
    readiness: Readiness = field(init=False)
    _started: float = field(default_factory=monotonic)
    _after_closing: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let the server be looked at."""
        self.readiness = Readiness(self)
        self.observer.metrics.watch(Gauges(self))

    @property
    def uptime(self) -> float:
        """How many seconds ago the server was opened."""
        return monotonic() - self._started

    @property
    def is_open(self) -> bool:
        """Whether everyone may do everything."""
        return self.door is Door.OPEN or (self.door is Door.KEYED and not self.keys.any_made())

    def load(self) -> None:
        """Open the default collection, load its models, and go on with what was uploaded."""
        with self.collections.use(DEFAULT) as collection:
            collection.engine.load()
        self.collections.sweep()
        self.jobs.start()

    def after_closing(self, act: Callable[[], None]) -> None:
        """Have something done when everything is closed."""
        self._after_closing.append(act)

    def close(self) -> None:
        """Close everything; the server cannot be used afterwards."""
        self.jobs.close(self.settings.drain_seconds)
        self.collections.close()
        self.state.close()
        self.observer.close()
        for act in self._after_closing:
            act()


def server_folder(settings: Settings) -> Path:
    """Where a server keeps what is not in its indexes."""
    return settings.index / SERVER if settings.state is None else settings.state


def open_server(
    settings: Settings, open_engine: Callable[[Path], Engine], door: Door = Door.KEYED
) -> Server:
    """Open a server; `open_engine` opens the index in a folder, and makes one if there is none.

    Raises:
        UnavailableIndex: its folder cannot be used.
        Conflict: another server runs with that folder.
        InvalidSettings: a collection's name cannot be one, or an upload would have no room.
        MissingExtra: traces are to be sent, and the packages for it are not installed.
    """
    if settings.spool_mb < 2 * settings.max_upload_mb:
        raise InvalidSettings(
            f"spool_mb: is {settings.spool_mb}, less than twice max_upload_mb "
            f"({settings.max_upload_mb}), so that the largest upload would have no room to wait; "
            "raise the one or lower the other"
        )
    folder = server_folder(settings)
    with ExitStack() as opened:
        observer = open_observer(settings)
        opened.callback(observer.close)
        state = State.open(folder)
        opened.callback(state.close)
        sole = Sole(folder)
        opened.callback(sole.release)
        collections = Collections(
            state,
            folder / COLLECTIONS,
            {DEFAULT: settings.index, **settings.collections},
            open_engine,
        )
        spool = Spool(folder / SPOOL)
        opened.pop_all()
    keys = Keys(state)
    bounds = Bounds(bytes=settings.spool_mb * 2**20, documents=settings.max_documents)
    jobs = Jobs(JobRecords(state), spool, collections, bounds, observer.job)
    admission = Admission(
        settings.max_questions_running or available_cores(),
        settings.max_questions_waiting,
        settings.question_seconds,
    )
    server = Server(
        settings,
        folder,
        state,
        keys,
        collections,
        Sessions(keys),
        jobs,
        Idempotency(state),
        Feedback(state),
        admission,
        door,
        observer=observer,
    )
    server.after_closing(sole.release)
    return server
