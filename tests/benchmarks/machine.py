"""What a benchmark ran on: the processor and what it can do, memory, versions."""

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

# What decides how fast 8-bit models run.
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
_PACKAGES = (
    *("pincite", "faiss-cpu", "numpy", "onnxruntime", "tokenizers"),
    *("sentence-transformers", "torch", "transformers"),
)


def machine() -> dict[str, Any]:
    """The machine as it is, `load` the processes that want a core, over 15 minutes.

    What the system does not tell is left empty.
    """
    cpu = _fields(Path("/proc/cpuinfo"))
    memory = _fields(Path("/proc/meminfo")).get("MemTotal", "0 kB")
    flags = cpu.get("flags", cpu.get("Features", "")).split()
    return {
        "processor": cpu.get("model name", platform.processor()),
        "family": f"{cpu.get('cpu family', '?')}/{cpu.get('model', '?')}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "flags": {name: name in flags for name in _FLAGS},
        "load": round(os.getloadavg()[2], 1) if hasattr(os, "getloadavg") else None,
        "memory_gib": round(int(memory.split()[0]) / 2**20, 1),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def _fields(path: Path) -> dict[str, str]:
    """The first value of each name in a file of "name: value" lines."""
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
