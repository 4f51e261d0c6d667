"""Where the checkout is that the tests are of, and its sample class."""

from pathlib import Path

__all__ = ["ROOT", "SAMPLES"]

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
