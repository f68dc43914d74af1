"""What a reading process forbids itself before it sees the first document.

The document's bytes are handed to it, so it needs nothing else. The interpreter refuses every
attempt to reach the network, run a program, change a file, or read one that is not Python's own:
this holds for whatever a library does on a document's behalf (fetch an image, an entity, a style
sheet). The system bounds memory and time and, on Linux, refuses the same to native code, whatever a
document has made of it (`index.sandbox.linux`).
"""

import mimetypes
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path, PurePath

# What the standard library reads for itself outside Python's own folders.
_SYSTEM_FILES = (
    *mimetypes.knownfiles,
    *("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo", "/etc/localtime"),
    *("/dev/urandom", "/proc/self/statm"),
)

_CODE = (".py", ".pyc", ".so", ".pyd", ".dll", ".dylib")

_NETWORK = frozenset(
    {"socket", "ssl", "http.client", "urllib", "ftplib", "smtplib", "imaplib", "poplib", "nntplib"}
    | {"telnetlib"}
)
_PROGRAMS = frozenset(
    {"os.system", "os.exec", "os.fork", "os.forkpty", "os.spawn", "os.startfile", "os.startfile/2"}
    | {"os.kill", "os.killpg", "pty.spawn", "signal.pthread_kill", "webbrowser.open"}
)
_STARTS = frozenset({"subprocess.Popen", "os.posix_spawn", "_winapi.CreateProcess"})
_CHANGES = frozenset(
    {"os.chflags", "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.removexattr"}
    | {"os.rename", "os.rmdir", "os.setxattr", "os.symlink", "os.truncate", "os.utime"}
)
_LISTINGS = frozenset({"os.listdir", "os.scandir"})
_DATABASES = frozenset({"sqlite3", "winreg", "dbm"})

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Refused(PermissionError):
    """A document made a parser try what none may."""


class Fence:
    """What a process may not leave; once up, it stays up for the life of the process.

    `paths` are the folders modules are imported from. `scratch` is a folder that text recognition
    may use; with it, the program `tesseract` may be run, and ended.
    """

    def __init__(self, paths: Sequence[str], scratch: str | None = None) -> None:
        whole = [
            *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
            *(path for path in paths if _holds_packages(Path(path))),
            str(Path(__file__).parents[1]),
            *_SYSTEM_FILES,
        ]
        self._whole = tuple({os.path.realpath(path) for path in whole})
        self._code = tuple({os.path.realpath(path) for path in paths})
        self._scratch = None if scratch is None else os.path.realpath(scratch)

    def put_up(self) -> None:
        """Refuse from now on; nothing takes it down."""
        if sys.platform == "linux":
            from index.sandbox import linux

            linux.confine_files(self._whole, self._scratch)
            linux.confine_calls(programs=self._scratch is not None)
        sys.addaudithook(self._hook)

    def _hook(self, event: str, details: tuple[object, ...]) -> None:
        if event == "open":
            self._opened(*details)
        elif event in _LISTINGS:
            self._listed(details[0])
        elif event in _STARTS:
            self._started(event, details)
        elif event in _PROGRAMS and not (event == "os.kill" and self._is_own(details[0])):
            raise Refused(f"run a program ({event})")
        elif event in _CHANGES or event.startswith("shutil."):
            self._changed(event, details)
        elif event == "ctypes.dlopen":
            self._loaded(details[0])
        else:
            family = event.rpartition(".")[0]
            if family in _NETWORK:
                raise Refused(f"open a network connection ({event})")
            if family in _DATABASES:
                raise Refused(f"open a database ({event})")

    def _opened(self, path: object, mode: object, flags: object) -> None:
        if isinstance(path, int):
            return
        place = _real(path)
        if _within(place, self._scratch) or place == os.devnull:
            return
        if _writes(mode, flags):
            raise Refused("write a file")
        if any(_within(place, folder) for folder in self._whole):
            return
        if place.endswith(_CODE) and any(_within(place, folder) for folder in self._code):
            return
        raise Refused("read another file")

    def _listed(self, path: object) -> None:
        if isinstance(path, int):
            raise Refused("list a folder")
        place = _real("." if path is None else path)
        folders = (*self._whole, *self._code, self._scratch)
        if not any(_within(place, folder) for folder in folders):
            raise Refused("list a folder")

    def _changed(self, event: str, details: tuple[object, ...]) -> None:
        places = [_real(it) for it in details if isinstance(it, str | bytes | os.PathLike)]
        if not places or not all(_within(place, self._scratch) for place in places):
            raise Refused(f"change a file ({event})")

    def _started(self, event: str, details: tuple[object, ...]) -> None:
        if self._scratch is not None:
            arguments = details[1]
            first = arguments if isinstance(arguments, str | bytes) else None
            if isinstance(arguments, list | tuple) and arguments:
                first = arguments[0]
            if isinstance(first, str | bytes) and _program(first) == "tesseract":
                return
        raise Refused(f"run a program ({event})")

    def _is_own(self, process: object) -> bool:
        """Whether this is a program that was started here, which may be ended, too."""
        if self._scratch is None or not isinstance(process, int) or process <= 0:
            return False
        if sys.platform == "linux":
            try:
                os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return False
            return True
        return False

    def _loaded(self, name: object) -> None:
        if name is None or (isinstance(name, str) and PurePath(name).name == name):
            return
        place = _real(name)
        if not any(_within(place, folder) for folder in (*self._whole, *self._code)):
            raise Refused("load a library")


def _holds_packages(folder: Path) -> bool:
    """Whether packages were installed there; else it is a folder of a person's own."""
    return folder.is_dir() and any(it.suffix == ".dist-info" for it in folder.iterdir())


def _writes(mode: object, flags: object) -> bool:
    if isinstance(mode, str) and not set(mode).isdisjoint("wax+"):
        return True
    return isinstance(flags, int) and bool(flags & _WRITING)


def _real(path: object) -> str:
    return os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]


def _within(place: str, folder: str | None) -> bool:
    return folder is not None and (
        place == folder or place.startswith(folder.rstrip(os.sep) + os.sep)
    )


def _program(first: str | bytes) -> str:
    name = PurePath(os.fsdecode(first).split(" ")[0].strip('"')).name
    return name.lower().removesuffix(".exe")


def limit(memory_mb: int, scratch: bool) -> None:
    """Let the system bound this process: memory beyond what it has now, open files, no writing.

    Does what the system can do: macOS does not bound memory, Windows none of it.
    """
    if sys.platform == "win32":
        return
    import resource

    def lower(kind: int, most: int) -> None:
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))

    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_NOFILE, 64)
    lower(resource.RLIMIT_FSIZE, 2**28 if scratch else 0)
    if sys.platform == "linux":
        lower(resource.RLIMIT_AS, memory_in_use() + memory_mb * 2**20)


def limit_time(seconds: float) -> None:
    """Let the system end this process when it has computed for so long, from now on.

    The program keeps the time; this is for the case that it has ended and left a loop behind.
    """
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 10
    most = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def memory_in_use() -> int:
    """How many bytes of address space this process has; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def end_with(parent: int) -> None:
    """End this process when the one that started it ends, where the system can."""
    if sys.platform != "linux":
        return
    import ctypes
    import signal

    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
