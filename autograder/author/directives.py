"""The directives of a job script, read as ``sbatch`` and ``qsub`` read them.

For SLURM, the rules are those of ``sbatch --test-only -vv`` (SLURM 22.05; a test compares `sbatch`
here with it, line by line): all ``#SBATCH`` lines make one command line, an unquoted ``#`` ends a
line, and a word that belongs to no option is refused. For PBS, they are those of OpenPBS's
``qsub.c``: each ``#PBS`` line is a separate command line, and a ``#`` is a word like any other, so
a script with a comment after a directive is refused.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from autograder.errors import ArgumentError

__all__ = ["qsub", "sbatch"]

_FLAG, _OPTIONAL, _REQUIRED = range(3)
"""Whether an option takes a value: never, only after an equals sign, always."""

_NAMES = {
    _FLAG: "contiguous help hold ignore-pbs no-requeue overcommit oversubscribe parsable quiet "
    "reboot requeue spread-job test-only usage use-min-nodes verbose version wait",
    _OPTIONAL: "exclusive get-user-env nice no-kill propagate",
    _REQUIRED: "account acctg-freq array batch bb bbf begin chdir cluster cluster-constraint "
    "clusters comment constraint container context core-spec cores-per-socket cpu-freq "
    "cpus-per-gpu cpus-per-task deadline delay-boot dependency distribution error exclude export "
    "export-file extra-node-info gid gpu-bind gpu-freq gpus gpus-per-node gpus-per-socket "
    "gpus-per-task gres gres-flags hint input job-name kill-on-invalid-dep licenses mail-type "
    "mail-user mcs-label mem mem-bind mem-per-cpu mem-per-gpu mincpus network nodefile nodelist "
    "nodes ntasks ntasks-per-core ntasks-per-gpu ntasks-per-node ntasks-per-socket "
    "ntasks-per-tres open-mode output partition power prefer priority profile qos reservation "
    "signal sockets-per-node switches tasks-per-node thread-spec threads-per-core time time-min "
    "tmp uid wait-all-nodes wckey wrap",
}
_LONG = {name: takes for takes, names in _NAMES.items() for name in names.split()}
_SHORT_NAMES = """
a array, b begin, c cpus-per-task, d dependency, e error, h help, i input, k no-kill,
m distribution, n ntasks, o output, p partition, q qos, s oversubscribe, t time, v verbose,
w nodelist, x exclude, A account, B extra-node-info, C constraint, D chdir, F nodefile, G gpus,
H hold, J job-name, L licenses, M clusters, N nodes, O overcommit, Q quiet, S core-spec, V version,
W wait
"""
_SHORT = dict(part.split() for part in _SHORT_NAMES.split(","))
"""Short options of sbatch."""

_SAME = {"tasks-per-node": "ntasks-per-node", "cluster": "clusters"}


def sbatch(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return the options that sbatch takes from the lines above the first command, by long name.

    Parameters
    ----------
    lines : iterable of str
        Those that are no shell command.

    Returns
    -------
    list of tuple of str
        ``("--partition", "compute")``, in order; if a name is repeated, the last one counts.

    Raises
    ------
    ArgumentError
        If sbatch would refuse the script; the message goes on after the word "SLURMCluster".
    """
    words: list[str] = []
    for line in lines:
        if line.endswith("\r"):
            raise ArgumentError("makes a script with DOS line breaks, which sbatch refuses")
        for other in ("#PBS", "#BSUB"):
            if line.startswith(other):
                raise ArgumentError(
                    f"makes a line {other}, which sbatch would read as well: {line[:60]}"
                )
        if line.startswith("#SBATCH"):
            words += _sbatch_words(line.removeprefix("#SBATCH"))
    asked = list(_getopt(words, _LONG, _SHORT, "sbatch"))
    memory = [name for name, _ in asked if name in ("--mem", "--mem-per-cpu", "--mem-per-gpu")]
    if len(set(memory)) > 1:
        raise ArgumentError(
            f"asks for {' and '.join(sorted(set(memory)))}, which exclude each other: sbatch "
            "refuses the script"
        )
    return asked


def _sbatch_words(text: str) -> Iterator[str]:
    """Split what follows ``#SBATCH``.

    A backslash escapes quotes and ``#``, also inside both kinds of quotes, but not a blank. An
    empty word ends the line.
    """
    rest = text
    while rest := rest.lstrip():
        if rest.startswith(":"):
            raise ArgumentError(f"makes a directive that sbatch refuses, with a ':': {text[:60]}")
        word, rest = _sbatch_word(rest, text)
        if not word:
            return
        if word.lower() in ("hetjob", "packjob"):
            raise ArgumentError("asks for a job of several unlike parts")
        yield word


def _sbatch_word(rest: str, line: str) -> tuple[str, str]:
    word, quote, escaped = "", "", False
    for place, letter in enumerate(rest):
        if letter.isspace() and not quote:
            return word, rest[place:]
        if escaped:
            word, escaped = word + letter, False
        elif letter == "\\":
            escaped = True
        elif quote:
            word, quote = (word, "") if letter == quote else (word + letter, quote)
        elif letter in "\"'":
            quote = letter
        elif letter == "#":
            return word, rest[place:] if word else ""
        else:
            word += letter
    if quote:
        raise ArgumentError(f"makes a line with a quote that does not close: {line[:60]}")
    return word, ""


_PBS = {letter: _REQUIRED for letter in "aAcCejJklmMNopqrRSuvWP"} | dict.fromkeys("fhIVXz", _FLAG)
"""The options of qsub's manual."""


def qsub(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return the options that qsub takes from the lines above the first command.

    Parameters
    ----------
    lines : iterable of str
        Those that are no shell command.

    Returns
    -------
    list of tuple of str
        ``("-q", "normal")``, in order.

    Raises
    ------
    ArgumentError
        If qsub would refuse the script; the message goes on after the word "PBSCluster".
    """
    asked = []
    for line in lines:
        if line.lstrip().startswith("#PBS"):
            words = _qsub_words(line.lstrip().removeprefix("#PBS"))
            short = {letter: letter for letter in _PBS}
            asked += list(_getopt(words, _PBS, short, "qsub"))
    return asked


def _qsub_words(text: str) -> list[str]:
    words, word, quote, begun = [], "", "", False
    letters = iter(text)
    for letter in letters:
        if quote:
            word, quote = (word, "") if letter == quote else (word + letter, quote)
        elif letter in "\"'":
            quote, begun = letter, True
        elif letter == "\\":
            word, begun = word + next(letters, ""), True
        elif letter.isspace():
            words += [word] if begun else []
            word, begun = "", False
        else:
            word, begun = word + letter, True
    if quote:
        raise ArgumentError(f"makes a line with a quote that does not close: #PBS{text[:60]}")
    return [*words, word] if begun else words


_WHY = {
    "#": ", and a comment cannot stand there",
    "#PBS": ", and dask-jobqueue adds that mark by itself",
}


def _getopt(
    words: list[str], takes: Mapping[str, int], short: Mapping[str, str], program: str
) -> Iterator[tuple[str, str]]:
    """Yield options and values as getopt of the C library finds them; ``takes`` is by name."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--") and word != "--" and program == "sbatch":
            given, equals, value = word[2:].partition("=")
            name = _long(given, word)
            if takes[name] == _FLAG and equals:
                raise ArgumentError(f"makes a directive that sbatch refuses: {word[:40]}")
            if takes[name] == _REQUIRED and not equals:
                value = _value(rest, word, program)
            yield f"--{_SAME.get(name, name)}", value
        elif len(word) > 1 and word[0] == "-" and word != "--":
            yield from _cluster(word, rest, takes, short, program)
        else:
            raise ArgumentError(
                f"makes a directive that {program} refuses: the word {word[:40]!r} belongs to no "
                f"option{_WHY.get(word, '')}"
            )


def _cluster(
    word: str,
    rest: Iterator[str],
    takes: Mapping[str, int],
    short: Mapping[str, str],
    program: str,
) -> Iterator[tuple[str, str]]:
    """Yield the options of a word like ``-Vq normal``, one letter each."""
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter not in short:
            raise ArgumentError(f"makes a directive that {program} refuses: no option -{letter}")
        name = short[letter]
        dashed = f"--{_SAME.get(name, name)}" if program == "sbatch" else f"-{name}"
        if takes[name] == _REQUIRED:
            yield dashed, letters or _value(rest, f"-{letter}", program)
            return
        if takes[name] == _OPTIONAL:
            yield dashed, letters
            return
        yield dashed, ""


def _value(rest: Iterator[str], option: str, program: str) -> str:
    value = next(rest, None)
    if value is None:
        raise ArgumentError(f"makes a directive that {program} refuses: {option} has no value")
    return value


def _long(given: str, word: str) -> str:
    """Return the full name of a long option, which may be abbreviated if it is unambiguous."""
    if given in _LONG:
        return given
    found = [name for name in _LONG if name.startswith(given)]
    if len({_SAME.get(name, name) for name in found}) == 1 and re.match(r"[a-z]", given):
        return found[0]
    why = "could be several options" if found else "is no option"
    raise ArgumentError(f"makes a directive that sbatch refuses: {word[:40]} {why}")
