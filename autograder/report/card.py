"""A grade as HTML: the card in the notebook and the blocks in nbgrader's feedback pages.

The card is embedded in foreign pages (nbgrader's feedback in Bootstrap, JupyterLab light and dark),
so it sets its own background and text colours, scopes every rule to ``dsk-`` classes, loads nothing
and runs nothing. All texts may come from a student and are escaped.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from autograder.formats import clean, number, seconds
from autograder.model import (
    Evidence,
    Finding,
    Grade,
    Reference,
    Run,
    ScoredFinding,
    Speedup,
    Status,
)
from autograder.pointers import pointers
from autograder.report.curve import speedup_curve
from autograder.report.error_text import failure_heading, failure_lines
from autograder.report.memory import memory_over_time
from autograder.report.speedup_bars import speedup_bars
from autograder.report.stream import task_stream
from autograder.report.vocabulary import (
    PREVIEW,
    PREVIEW_TITLE,
    WORDS,
    Explained,
    by_function,
    in_order,
    seconds_rows,
    verdict,
)

__all__ = ["ENVIRONMENT", "prose", "render", "render_finding"]


def render(
    grade: Grade,
    *,
    reference: Reference | None,
    where: Literal["feedback", "notebook"],
    remark: str = "",
) -> str:
    """Render a grade as an HTML fragment.

    Parameters
    ----------
    grade : Grade
        With its evidence, where the task stream is to be shown.
    reference : Reference or None
        Marked in the speedup curve.
    where : {"feedback", "notebook"}
        In a notebook the card says that the grade uses other data.
    remark : str, optional
        How long it took and where it ran.

    Returns
    -------
    str
        One ``<div>`` with everything that it needs.
    """
    blocks = [_block(scored, explained) for scored, explained in in_order(grade)]
    # Several checks may judge the same timed run: its pictures stand once, below them all.
    studies = (_study(s.finding, grade.evidence, reference, "card") for s in grade.scored)
    study = next(filter(None, studies), None)
    functions = [(name, status.value, WORDS[status]) for name, status in by_function(grade)]
    return ENVIRONMENT.get_template("card.html").render(
        grade=grade,
        verdict=verdict(grade),
        functions=functions if len(functions) > 1 else [],
        blocks=blocks,
        study=study,
        memory=_memory([s.finding for s in grade.scored], grade.evidence, "card"),
        remark=remark,
        preview=(PREVIEW_TITLE, PREVIEW) if where == "notebook" else None,
    )


def render_finding(
    scored: ScoredFinding,
    *,
    reference: Reference | None = None,
    evidence: Evidence | None = None,
) -> str:
    """Render one check alone, as the output of its grade cell.

    Parameters
    ----------
    scored : ScoredFinding
    reference : Reference, optional
        Marked in the speedup curve.
    evidence : Evidence, optional
        Where the task stream of a timed check comes from.

    Returns
    -------
    str
        One ``<div>`` with everything that it needs, pictures included for a timed check.
    """
    study = _study(scored.finding, evidence, reference, scored.finding.grade_id)
    block = _block(scored, explained=frozenset())
    memory = _memory([scored.finding], evidence, scored.finding.grade_id)
    template = ENVIRONMENT.get_template("finding.html")
    return template.render(block=block, study=study, memory=memory)


def _block(scored: ScoredFinding, explained: Explained) -> dict[str, Any]:
    """Prepare one check for the templates; explanations already given are only named."""
    finding = scored.finding
    failure = None
    if finding.failure is not None:
        failure = {
            "kind": finding.failure.kind,
            "heading": failure_heading(finding.failure),
            "traceback": failure_lines(finding.failure),
            "repeated": finding.failure in explained,
        }
    return {
        "scored": scored,
        "finding": finding,
        "status": finding.status.value,
        "word": WORDS[finding.status].capitalize(),
        "passed": finding.status is Status.PASSED,
        "mistakes": [(mistake, mistake in explained) for mistake in finding.mistakes],
        "failure": failure,
        "advice": "" if failure and finding.advice in explained else finding.advice,
    }


def _study(
    finding: Finding, evidence: Evidence | None, reference: Reference | None, salt: str
) -> dict[str, Any] | None:
    """Draw the pictures of a timed check; a forged recording is not drawn."""
    found, study = finding.speedup, finding.study
    if found is None or finding.status is Status.FORGED:
        return None
    run = _timed_run(evidence, finding.function, found)
    # The pictures are ours, with every text in them escaped by the XML writer.
    return {
        "bars": Markup(speedup_bars(found, salt=salt)),
        "stream": Markup("" if run is None else task_stream(run, salt=salt)),
        "curve": Markup("" if study is None else speedup_curve(study, reference, salt=salt)),
        "rows": [] if study is None else seconds_rows(study),
    }


def _memory(findings: Sequence[Finding], evidence: Evidence | None, salt: str) -> Markup:
    """Draw memory over time, if it is judged and was sampled."""
    judged = {finding.function for finding in findings if finding.check == "memory"}
    runs: Sequence[Run] = () if evidence is None else evidence.runs
    for run in reversed(runs):
        if evidence is not None and run.memory and run.function in judged:
            limit = evidence.cluster.memory_per_worker
            return Markup(memory_over_time(run, limit, salt=salt))
    return Markup("")


def _timed_run(evidence: Evidence | None, function: str, found: Speedup) -> Run | None:
    """Find the run behind a speedup: of the same function, with the nearest measured seconds."""
    runs: Sequence[Run] = () if evidence is None else evidence.runs
    candidates = [run for run in runs if run.function == function]
    return min(candidates, key=lambda r: abs(r.done - r.go - found.wall), default=None)


def prose(text: str) -> Markup:
    """Escape a text and set what stands in backticks as code."""
    return Markup(
        re.sub(
            r"`([^`\n]+)`", r'<code class="dsk-code">\1</code>', str(escape(clean(text).strip()))
        )
    )


def _linked(see: str) -> Markup:
    """Make links of what to read: the addresses are the kit's own, never a student's."""
    return Markup("; ").join(
        Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>').format(
            pointer.address, pointer.title
        )
        if pointer.address
        else prose(pointer.title)
        for pointer in pointers(clean(see))
    )


def _cleaned(value: Any) -> Any:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


ENVIRONMENT = Environment(
    loader=PackageLoader("autograder.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=_cleaned,
)
ENVIRONMENT.filters |= {"prose": prose, "linked": _linked, "number": number, "seconds": seconds}
