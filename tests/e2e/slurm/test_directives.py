"""Directives as SLURM itself reads them: the kit's reading of a script against that of sbatch.

``sbatch --test-only -vv`` prints what it took from the script, or why it refuses it.
"""

import math
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from autograder.author import jobscript
from autograder.author.directives import sbatch
from autograder.errors import ArgumentError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("slurm")]

LINES = r"""
-p compute
#SBATCH -p compute
partition compute -p compute
partition -p compute
--exclusive  # whole node, --mem=1G
--exclusive# whole node, --mem=1G
--mem=16G#hi
--mem=16G #SBATCH -p x
--account="a b" -p x
--account='a b' -p x
--account="a # b" -p x
--account=a\ b -p x
--account="a b
-A "ab"12 -p x
-p"compute"
-pcompute
-p=compute
--partition=compute
--partition compute
--part=compute
--partition =compute
--partition= compute
--foo=bar
-p
-p -A x
-A
--account
--nice 5 -p x
--nice=5 -p x
--nice -p x
--exclusive user -p x
--exclusive=user
--exclusiv
-- -p x
x -- -p y
-p x -
-p - -A y
-p -- -A y
-Ok -p x
-Op x
-k -p x
-H -Jx
-p	x -A	y
-t 10 -t 20
-n 1 -c 4
-n4 -N1
--array=1-3
-a 1-3
--export=ALL,OMP_NUM_THREADS=16
--export ALL
--export
-p compute;
-p $HOME
--comment='it''s' -p x
--comment="it's" -p x
--comment="a\"b" -p x
--comment='a\'b' -p x
--comment=a\\b -p x
--comment=a\#b -p x
--comment=a'b#c'd#e -p x
--comment="" -p x
--comment=hetjob -p x
-p ""
-A "" -p x
--tasks=3
--hold
--hold=yes
-w host
--qos=x
-q x
-z
-W
:
-p x : -p y
-p x:y
-J 'my job' -p x
--job-name=my job
--hint nomultithread -p x
--c=1
--cpus=1
--mem-per=1G
--me=1G
--no
--tim=5
--mem=16G --mem-per-cpu=1G
--mem-per-cpu=1G
""".strip("\n").splitlines()

SCRIPTS = [f"#SBATCH {line}\n#SBATCH -D /tmp\ndate\n#SBATCH --qos=late" for line in LINES] + [
    "#SBATCH-p nospace\ndate",
    " #SBATCH -p leading\ndate",
    "# SBATCH -p space\ndate",
    "##SBATCH -p double\ndate",
    "#sbatch -p lower\ndate",
    "#SBATCHX -p x\ndate",
    "# hi\n#SBATCH -p x\n\n   # x\n#SBATCH -A y\ndate",
    "#SBATCH -p x\n: true\n#SBATCH -A y\ndate",
    "#SBATCH -p x\r\ndate",
    "#SBATCH -p x\n#SBATCH --account\ndate",
]


_REFUSED = "error|fatal|requires|ambiguous|unrecognized|invalid|n't allow"


def said_by_sbatch(script: str, folder: Path) -> dict[str, str] | None:
    """Return the options that sbatch names, None if it refuses the script."""
    path = folder / "job.sh"
    path.write_text(f"#!/usr/bin/env bash\n\n{script}\n", newline="")
    asked = ["sbatch", "--test-only", "-vv", str(path)]
    said = subprocess.run(asked, capture_output=True, text=True, timeout=60).stderr
    if "defined options" not in said:
        assert re.search("error|fatal|requires|ambiguous|unrecognized|invalid|n't allow", said), (
            said
        )
        return None
    listed = said.split("end of defined options")[0]
    pairs = re.findall(r"^sbatch: ([a-z-]+) +: ?(.*)$", listed, re.MULTILINE)
    return {name: value for name, value in pairs if name not in ("verbose", "test-only")}


def read_by_the_kit(script: str) -> dict[str, str] | None:
    lines = f"#!/usr/bin/env bash\n\n{script}\n".split("\n")
    first = next(n for n, line in enumerate(lines) if jobscript._is_command(line))
    try:
        return {name.removeprefix("--"): value for name, value in sbatch(lines[:first])}
    except ArgumentError:
        return None


def alike(name: str, ours: str, theirs: str) -> bool:
    """Whether a value as it was written is what sbatch makes of it."""
    if name == "time":
        return minutes("SLURM", ours) == minutes("SLURM", theirs)
    if name.startswith("mem"):
        return jobscript.size(ours, "M") == jobscript.size(theirs, "M")
    return theirs in (ours or "set", ours or name, ours.strip())


def minutes(kind: jobscript.Kind, text: str) -> int | None:
    seconds = jobscript.seconds(kind, text)
    return None if seconds is None else math.ceil(seconds / 60)


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_kit_reads_directives_as_sbatch_does(script: str, tmp_path: Path) -> None:
    theirs, ours = said_by_sbatch(script, tmp_path), read_by_the_kit(script)
    assert (ours is None) == (theirs is None), (ours, theirs)
    if ours is not None and theirs is not None:
        ours = {name: value for name, value in ours.items() if name != "nice" or value}
        theirs = {name: value for name, value in theirs.items() if name in ours or name != "nice"}
        assert ours.keys() == theirs.keys()
        assert [n for n in ours if not alike(n, ours[n], theirs[n])] == [], (ours, theirs)


SIZES = ("16G", "16GB", "16Gb", "16gb", "16384", "1T", "512M", "16GiB", "16.5G", "much", "512b")


@pytest.mark.parametrize("text", SIZES)
def test_sizes_are_what_sbatch_makes_of_them(text: str, tmp_path: Path) -> None:
    theirs = said_by_sbatch(f"#SBATCH --mem={text}\ndate", tmp_path)
    ours = jobscript.size(text, "M")
    assert (ours is None) == (theirs is None)
    assert theirs is None or jobscript.size(theirs["mem"], "M") == ours


TIMES = ("10", "90", "1:30", "1-2", "1-2:3:4", "02:00:00", "99:99:99", "01:75", "5:0:0", "much",
         "1:2:3:4")  # fmt: skip


@pytest.mark.parametrize("text", TIMES)
def test_times_are_what_sbatch_makes_of_them(text: str, tmp_path: Path) -> None:
    theirs = said_by_sbatch(f"#SBATCH -t {text}\ndate", tmp_path)
    ours = minutes("SLURM", text)
    assert (ours is None) == (theirs is None)
    assert theirs is None or minutes("SLURM", theirs["time"]) == ours


def test_every_long_option_of_sbatch_is_known(tmp_path: Path) -> None:
    """What it lists in its help, and what it names where a name is cut short too far."""
    from autograder.author.directives import _LONG

    assert shutil.which("sbatch")
    told = ""
    for asked in (
        ["--help"],
        ["--usage"],
        *([f"--{letter}", "x"] for letter in "abcdefghimnopqrstuvw"),
    ):
        done = subprocess.run(["sbatch", *asked], capture_output=True, text=True, timeout=60)
        told += done.stdout + done.stderr
    named = set(re.findall(r"--([a-z][a-z-]+[a-z])(?![a-z])", told))
    assert named - set(_LONG) - {"bb", "x"} == set()
