"""The command line of a notebook that is run as a script: it chooses the cluster."""

import argparse
import sys

from cluster.connection import use
from cluster.profile import known_profiles

__all__ = ["command_line"]


def command_line() -> None:
    """Set the defaults of ``connect()`` by this script's ``--profile`` and ``--workers``."""
    parser = argparse.ArgumentParser(description=getattr(sys.modules["__main__"], "__doc__", ""))
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help=f"where Dask runs: {', '.join(known_profiles())}, the path of a profile in TOML, or "
        "an address like tcp://host:8786 (default: $DASK_SCHEDULER_ADDRESS, else local)",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="how many (default: what the profile says)"
    )
    options = parser.parse_args()
    if options.workers is not None and options.profile is None:
        parser.error("--workers goes with --profile")
    use(options.profile, options.workers)
