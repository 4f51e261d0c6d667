"""Build the package of data for instructors from the checkout that this file is in."""

import shutil
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "dask_scaling_kit_instructor"
DATA = ("solutions", "source", "samples", "nbgrader_config.py")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


class CopyData(build_py):
    """Copies the data from the checkout in place of a package's modules."""

    def run(self) -> None:
        """Make the package anew: what was deleted in the checkout must not stay in it."""
        target = Path(self.build_lib, PACKAGE)
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        (target / "__init__.py").write_text('"""Data for instructors; see autograder.author."""\n')
        for name in DATA:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", ".*", "*~")
                shutil.copytree(source, target / name, ignore=ignored)
            else:
                shutil.copy(source, target / name)


setup(
    version=VERSION,
    install_requires=[f"dask-scaling-kit[boosting]=={VERSION}"],
    packages=[PACKAGE],
    package_dir={PACKAGE: "."},
    include_package_data=False,
    cmdclass={"build_py": CopyData},
)
