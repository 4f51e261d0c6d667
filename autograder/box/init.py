"""The first program in a box: starts the cluster and the kernel side by side, then waits.

Usage: ``python -m autograder.box.init LOG CLUSTER-COMMAND -- KERNEL-COMMAND``

The cluster is a process of its own and no child of the student's kernel, as on a real
machine. Both start at once, so that their imports share the two cores. When the kernel ends,
so does the box: as bubblewrap's only child this program takes every other process along.
"""

import subprocess
import sys


def main(arguments: list[str]) -> int:
    """Run both commands; return the kernel's exit status."""
    at = arguments.index("--")
    with open(arguments[0], "wb") as log:
        cluster = subprocess.Popen(arguments[1:at], stdin=subprocess.PIPE, stdout=log, stderr=log)
    try:
        return subprocess.call(arguments[at + 1 :], stdin=subprocess.DEVNULL)
    finally:
        cluster.terminate()
        cluster.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
