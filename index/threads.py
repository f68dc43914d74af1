"""The one pool of threads that all models share: together they never outnumber the cores."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache


def available_cores() -> int:
    """The number of cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def shared_pool(threads: int) -> ThreadPoolExecutor:
    """The pool of `threads` threads of this process; asked for twice, it is the same one."""
    return ThreadPoolExecutor(threads, thread_name_prefix="pincite-model")
