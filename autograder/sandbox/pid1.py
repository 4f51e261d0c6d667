"""The first program in a box: becomes the cluster and the kernel, then waits for the kernel.

Usage: ``python -m autograder.sandbox.pid1 LOG MODULE CLUSTER-ARGUMENTS -- KERNEL-ARGUMENTS``, where
MODULE is one that the kernel needs.

Both are Python with the same two seconds of imports, and are forked after these: importing once
costs half the CPU time of importing twice, and scikit-learn is already loaded for cells. The
cluster is not a child of the student's kernel, as on a real machine. When the kernel ends, so does
the box: this program is bubblewrap's only child, and its end ends every other process.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import ModuleType

from cluster import environment, warm

__all__ = ["MODULES", "main"]

MODULES = (*warm.DEFAULT_MODULES, "distributed.deploy.local", "ipykernel.kernelapp")
"""Modules that both import, apart from the kit's."""


def main(arguments: Sequence[str]) -> int:
    """Fork cluster and kernel; return the kernel's exit status, or 0 in a fork that has ended."""
    log, module, *ours = arguments
    at = ours.index("--")
    warm.import_all((*MODULES, module))
    cluster = os.fork()
    if cluster == 0:
        return _become(_cluster, [log, *ours[:at]])
    kernel = os.fork()
    if kernel == 0:
        return _become(_kernel, ours[at + 1 :])
    try:
        return os.waitstatus_to_exitcode(os.waitpid(kernel, 0)[1])
    finally:
        os.kill(cluster, signal.SIGTERM)
        os.waitpid(cluster, 0)


def _become(program: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    """Turn this process into a program, with nothing on its standard input."""
    # What is looked for in __main__, as workers do, is the program's or the notebook's, not ours.
    sys.modules["__main__"] = ModuleType("__main__")
    sys.argv[1:] = arguments
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    program(arguments)
    return 0


def _cluster(arguments: Sequence[str]) -> None:
    from cluster import serve

    log, *options = arguments
    with open(log, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    environment.enter()
    serve.main(options)


def _kernel(arguments: Sequence[str]) -> None:
    from ipykernel import kernelapp

    kernelapp.launch_new_instance(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
