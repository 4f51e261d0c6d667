"""What people look at is complete, says the same everywhere, and cannot be broken by a text."""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from html_pages import Page
from recordings import UNSEEN
from rich.console import Console

from autograder.errors import HarnessError
from autograder.model import (
    ClusterShape,
    Evidence,
    Failure,
    Finding,
    Grade,
    MemorySample,
    Mistake,
    Recording,
    Reference,
    Run,
    ScalingPoint,
    ScalingStudy,
    ScoredFinding,
    Speedup,
    SpeedupStudy,
    Status,
    TaskRecord,
)
from autograder.report import card, class_table, error_text, scaling_page, terminal, vocabulary
from autograder.report.curve import crossing, speedup_curve
from autograder.report.memory import memory_over_time
from autograder.report.stream import task_stream
from autograder.report.svg import text_width

GO = 1_800_000_000.0
WORKERS = ("tcp://127.0.0.1:4001", "tcp://127.0.0.1:4002")
HOSTILE = (
    '<script>alert("x")</script> ]]> <b onload=x> &amp; \x1b[31mred\x07 {{ 7*7 }} $\\frac{ \ud800'
)
MISTAKE = Mistake("gathers", "Gathers the predictions", "3.2 MB came back.", "When to compute")
FAILURE = Failure("ValueError", "bad shape", "line 3\nValueError: bad shape", cell=6, line=3)
STUDY = SpeedupStudy(
    workers=2,
    measured_seconds=1.0,
    work=1.55,
    span=0.2,
    makespans={1: 1.6, 2: 0.8, 4: 0.5},
    speedup=2.0,
    client_cpu=0.1,
    worker_cpu=(0.7, 0.7),
    serial_seconds=0.6,
)
SPEEDUP = Speedup(
    workers=2,
    wall=1.0,
    without_cpu=0.2,
    alone=0.1,
    each=(0.7, 0.7),
    shared=0.7,
    spared=0.0,
    quiet=0.8,
    useful=1.5,
    most=1.9,
    speedup=1.86,
    zero=1.25,
    full=1.52,
)
REFERENCE = Reference(1.9, 1.5, 16, 1, 100, 100, 0.6, same_round=True)


def task(worker: str, start: float, stop: float, layer: str = "_predict") -> TaskRecord:
    return TaskRecord(
        f"{layer}-{start}", layer, worker, GO, GO + start, GO + stop, stop - start, 0.0, 8, ()
    )


def run_of(*tasks: TaskRecord, seconds: float = 1.0) -> Run:
    recording = Recording(tasks=tasks, workers=WORKERS)
    return Run(
        "large", "predict", GO, GO + 0.1, GO + seconds, (), recording, {}, None, None, **UNSEEN
    )


def many_tasks(count: int, layers: int = 7) -> Run:
    each = 1.0 / count
    return run_of(
        *(
            task(WORKERS[i % 2], i * each, (i + 0.9) * each, f"layer-{i * i % layers}")
            for i in range(count)
        )
    )


def finding(status: Status = Status.FAILED, **changes: object) -> Finding:
    plainly = Finding("predict-lazy", "predict", "lazy", "predict is lazy", status, 0.0, "A", "B")
    return replace(plainly, **changes)  # type: ignore[arg-type]


def scored(status: Status = Status.FAILED, **changes: object) -> ScoredFinding:
    credit = 1.0 if status is Status.PASSED else 0.0
    return ScoredFinding(finding(status, credit=credit, **changes), 2.5 * credit, 2.5)


def grade_of(*all_scored: ScoredFinding, evidence: Evidence | None = None) -> Grade:
    points = sum(one.points for one in all_scored)
    return Grade(
        "ex02", all_scored, points, sum(one.max_points for one in all_scored), (), evidence
    )


def evidence_of(*runs: Run) -> Evidence:
    shape = ClusterShape(2, 1, 10**9)
    return Evidence(
        2, "k", "ex02", "d", "s", "x", shape, {}, {}, True, frozenset(), (), runs, {}, ()
    )


def description(svg: str) -> str:
    found = ElementTree.fromstring(svg).find("{http://www.w3.org/2000/svg}desc")
    assert found is not None and found.text
    return found.text


def texts(svg: str) -> list[str]:
    elements = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [element.text or "" for element in elements]


BUSY = run_of(
    task(WORKERS[0], 0.1, 0.6), task(WORKERS[1], 0.2, 0.45), task(WORKERS[1], 0.5, 0.7, "sum")
)


# --------------------------------------------------------------------------- the pictures


def test_task_stream_says_its_numbers_to_who_cannot_see_it() -> None:
    words = description(task_stream(BUSY))
    assert "3 tasks in 1.00 s from the call to its last result." in words
    assert "Worker 0 was busy 50% of the time." in words
    assert "Worker 1 was busy 45% of the time." in words
    assert "For 0.40 s (40%) no task was running." in words
    assert "_predict 0.75 s, sum 0.20 s" in words


def test_task_stream_has_a_lane_per_worker_one_for_the_client_and_names_the_layers() -> None:
    shown = texts(task_stream(BUSY))
    lanes = {"worker 0", "worker 1", "client", "seconds since the call"}
    assert lanes | {"_predict", "sum", "no task running"} <= set(shown)


def test_task_stream_keeps_the_lane_of_a_worker_that_did_nothing() -> None:
    svg = task_stream(run_of(task(WORKERS[1], 0.0, 1.0)))
    assert "Worker 0 was busy 0% of the time. Worker 1 was busy 100%" in description(svg)


def test_task_stream_without_tasks_says_so() -> None:
    svg = task_stream(run_of())
    assert "no task ran on the cluster" in texts(svg)
    assert description(svg).startswith("No task ran on the cluster")
    assert "no task ran on the cluster" not in texts(task_stream(BUSY))


def test_task_stream_without_workers_or_time_is_still_a_picture() -> None:
    nothing = replace(run_of(seconds=0.0), recording=Recording())
    assert "client" in texts(task_stream(nothing))


@pytest.mark.parametrize(("count", "merged"), [(990, False), (1999, True), (9000, True)])
@pytest.mark.parametrize("workers", [2, 40])
def test_task_stream_stays_below_200_kilobytes(count: int, merged: bool, workers: int) -> None:
    run = many_tasks(count)
    spread = (replace(t, worker=f"w{i % workers}") for i, t in enumerate(run.recording.tasks))
    svg = task_stream(replace(run, recording=Recording(tasks=tuple(spread))))
    assert len(svg.encode()) < 200_000
    assert ("are merged" in description(svg)) == merged
    assert ("24 more workers are not drawn" in description(svg)) == (workers == 40)


def test_task_stream_stays_small_where_all_workers_are_busy_with_changing_layers() -> None:
    tasks = (
        task(f"w{worker}", i / 600, (i + 1) / 600, f"layer-{(i * i + worker) % 7}")
        for worker in range(16)
        for i in range(600)
    )
    assert len(task_stream(run_of(*tasks)).encode()) < 200_000


def test_task_stream_names_five_layers_and_calls_the_rest_other() -> None:
    entries = [text for text in texts(task_stream(many_tasks(200, layers=13)))]
    assert sum(text.startswith("layer-") for text in entries) == 5
    assert "other" in entries
    assert "other" not in texts(task_stream(BUSY))


def test_task_stream_leaves_the_lane_of_a_task_that_waits_to_those_it_waits_for() -> None:
    waiting = replace(task(WORKERS[0], 0.0, 0.9), compute_seconds=0.1, away_seconds=0.8)
    words = description(task_stream(run_of(waiting)))
    assert "Worker 0 was busy 10% of the time." in words


def test_task_stream_ignores_times_that_cannot_be() -> None:
    bogus = [(float("nan"), 0.5), (0.5, float("inf")), (0.6, 0.5), (3.0, 4.0)]
    recorded = run_of(*(task(WORKERS[0], *times) for times in bogus))
    assert description(task_stream(recorded)).startswith("No task ran")
    late = task_stream(run_of(task(WORKERS[0], 0.9, 7.0)))
    assert "Worker 0 was busy 10% of the time." in description(late)


def test_speedup_curve_says_its_numbers_to_who_cannot_see_it() -> None:
    words = description(speedup_curve(STUDY, REFERENCE))
    assert "1: 1.00×, 2: 2.00×, 4: 3.20×" in words
    assert "longest chain of tasks allows 8.00×" in words
    assert "measured, P = 2: 1.60×" in words
    assert "reference, P = 2: 1.90×" in words
    assert "one core, without Dask: 2.67×" in words


@pytest.mark.parametrize(
    ("serial", "overtakes", "sentence"),
    [
        (0.6, 4, "Dask overtakes one core without it at P = 4"),
        (2.0, 1, "Dask overtakes one core without it at P = 1"),
        (0.5, None, "Dask overtakes one core without it: never in this range (P ≤ 4)"),
    ],
)
def test_speedup_curve_says_where_dask_overtakes(
    serial: float, overtakes: int | None, sentence: str
) -> None:
    study = replace(STUDY, serial_seconds=serial)
    assert crossing(study) == overtakes
    assert sentence in texts(speedup_curve(study))


@pytest.mark.parametrize(
    ("cpu", "serial", "sentence"),
    [
        # The tasks took 1.55 s, and computed for half of it.
        (0.775, 0.6, "Dask overtakes one core at P = 2 to 4 (tasks waited 50% of their time)"),
        (0.775, 0.45, "Dask may overtake one core from P = 2 on (tasks waited 50% of their time)"),
        # Both ways to count say the same.
        (0.775, 2.0, "Dask overtakes one core without it at P = 1"),
        (0.775, 0.2, "Dask overtakes one core without it: never in this range (P ≤ 4)"),
        # They computed all the time; what Dask itself took of the CPU comes on top.
        (1.55, 0.6, "Dask overtakes one core without it at P = 4"),
        (2.5, 0.45, "Dask overtakes one core without it: never in this range (P ≤ 4)"),
    ],
)
def test_speedup_curve_says_what_is_not_known_where_tasks_waited(
    cpu: float, serial: float, sentence: str
) -> None:
    study = replace(STUDY, serial_seconds=serial, worker_cpu=(cpu / 2, cpu / 2))
    svg = speedup_curve(study)
    assert sentence in texts(svg)
    assert sentence in description(svg)
    # The crossing is marked where it is one number.
    assert ('stroke-width="0.8" stroke-opacity="0.5"' in svg) == ("without it at P" in sentence)
    assert text_width(sentence) < 406


def test_speedup_curve_without_serial_seconds_or_reference_names_neither() -> None:
    svg = speedup_curve(replace(STUDY, serial_seconds=None))
    assert "scikit-learn" not in svg
    assert "reference" not in svg


def test_speedup_curve_tells_a_typical_reference_from_a_measured_one() -> None:
    typical = replace(REFERENCE, same_round=False)
    assert "typical reference, P = 2" in description(speedup_curve(STUDY, typical))
    assert "typical" not in description(speedup_curve(STUDY, REFERENCE))


@pytest.mark.parametrize("same_round", [True, False])
@pytest.mark.parametrize("span", [0.2, 0.1587, 0.0159])
def test_speedup_curve_holds_its_legend(span: float, same_round: bool) -> None:
    svg = speedup_curve(replace(STUDY, span=span), replace(REFERENCE, same_round=same_round))
    root = ElementTree.fromstring(svg)
    width = float(root.attrib["viewBox"].split()[2])
    entries = [
        element
        for element in root.iter("{http://www.w3.org/2000/svg}text")
        if element.text and ("P = 2" in element.text or "allows" in element.text)
    ]
    assert len(entries) == 4
    for entry in entries:
        assert float(entry.attrib["x"]) + text_width(entry.text or "") <= width


def test_speedup_curve_survives_a_study_of_nothing() -> None:
    nothing = replace(STUDY, span=0.0, measured_seconds=0.0, makespans={1: 0.5, 2: 0.5})
    assert "longest chain of tasks allows none" in description(speedup_curve(nothing))


SAMPLED = replace(
    BUSY,
    memory=tuple(
        MemorySample(0.1 * i, name, 10**8 * (1 + i % 3))
        for name in ("client", "scheduler", "worker-0", "worker-1")
        for i in range(10)
    ),
)
POINT = ScalingPoint(1, 1.0, (1.0, 1.2), 1.0, 1.0, 1.0, 0.8, 4)
SCALING = ScalingStudy("ex02", "f", "c", "local", "laptop", (), (POINT,), (POINT,), {"cores": "2"})
PICTURES: Mapping[str, Callable[[str], str]] = {
    "stream": lambda salt: task_stream(BUSY, salt=salt),
    "curve": lambda salt: speedup_curve(STUDY, REFERENCE, salt=salt),
    "memory": lambda salt: memory_over_time(SAMPLED, 6 * 10**8, salt=salt),
    "scaling": lambda salt: scaling_page.picture(replace(SCALING, exercise=salt)),
}


@pytest.mark.parametrize("svg", [draw("") for draw in PICTURES.values()], ids=list(PICTURES))
class TestEveryPicture:
    def test_is_an_image_with_title_and_description(self, svg: str) -> None:
        root = ElementTree.fromstring(svg)
        assert root.get("role") == "img"
        labels = {element.get("id") for element in root if element.tag.endswith(("title", "desc"))}
        assert labels == set((root.get("aria-labelledby") or "").split())

    def test_refers_only_to_ids_of_its_own(self, svg: str) -> None:
        ids = re.findall(r' id="([^"]+)"', svg)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'(?:url\(|href=")#([^")]+)', svg)) <= set(ids)
        assert all(name.startswith("dsk-") for name in ids)

    def test_loads_nothing_and_leaks_no_style(self, svg: str) -> None:
        tags = {element.tag.partition("}")[2] for element in ElementTree.fromstring(svg).iter()}
        assert not tags & {"style", "script", "image", "metadata"}
        assert not svg.startswith("<?xml")

    def test_scales_with_the_page(self, svg: str) -> None:
        root = ElementTree.fromstring(svg)
        assert "max-width: 100%" in (root.get("style") or "")
        assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"

    def test_stands_on_a_white_panel(self, svg: str) -> None:
        panel = ElementTree.fromstring(svg)[2]
        assert (panel.tag.partition("}")[2], panel.get("fill")) == ("rect", "#ffffff")


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_are_equal_for_equal_input_with_ids_of_their_own_by_salt(kind: str) -> None:
    draw = PICTURES[kind]
    assert draw("a") == draw("a")
    ids = [set(re.findall(r' id="([^"]+)"', draw(salt))) for salt in "ab"]
    assert ids[0] and not ids[0] & ids[1]


def test_a_hostile_layer_name_is_text_in_the_picture() -> None:
    svg = task_stream(run_of(task(HOSTILE, 0.1, 0.6, HOSTILE)))
    assert "<script" not in svg
    assert any(text.startswith("<script>alert") for text in texts(svg))
    svg.encode()


# --------------------------------------------------------------------------- the card

WHERE = ("feedback", "notebook")


def hostile_grade() -> Grade:
    changes: Mapping[str, object] = {
        "grade_id": HOSTILE,
        "function": HOSTILE,
        "title": HOSTILE,
        "expected": HOSTILE,
        "got": f"`{HOSTILE}`",
        "advice": HOSTILE,
        "mistakes": (Mistake(HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        "failure": Failure(HOSTILE, HOSTILE, HOSTILE + "</pre>", 1, 2),
        "study": STUDY,
    }
    run = replace(run_of(task(HOSTILE, 0.1, 0.6, HOSTILE)), function=HOSTILE)
    checks = (scored(status, **changes) for status in Status)
    return replace(grade_of(*checks, evidence=evidence_of(run)), exercise=HOSTILE)


@pytest.mark.parametrize("where", WHERE)
def test_card_escapes_every_text(where: str) -> None:
    grade = hostile_grade()
    html = card.render(grade, reference=REFERENCE, where=where)  # type: ignore[arg-type]
    pieces = [html, *(card.render_finding(s, evidence=grade.evidence) for s in grade.scored)]
    for piece in pieces:
        page = Page(piece)
        assert not page.open
        assert "script" not in page.tags
        assert not any(name.startswith("on") for name, _ in page.attributes)
        assert '<script>alert("x")</script> ]]>' in page.text
        assert "{{ 7*7 }}" in page.text
        assert "\x1b" not in piece
        piece.encode()


def test_card_loads_nothing() -> None:
    html = card.render(hostile_grade(), reference=REFERENCE, where="feedback")
    loading = {"src", "href", "srcset", "action", "data"}
    assert not loading & {name for name, _ in Page(html).attributes}
    assert "url(" not in html.partition("</style>")[0]
    assert "@import" not in html


@pytest.mark.parametrize("where", WHERE)
def test_what_to_read_is_a_link_from_the_table_only(where: str) -> None:
    known = replace(MISTAKE, see="Dask: Chunks; Somewhere: else")
    html = card.render(
        grade_of(scored(mistakes=(known,))),
        reference=None,
        where=where,  # type: ignore[arg-type]
    )
    address = "https://docs.dask.org/en/stable/array-chunks.html"
    link = f'<a href="{address}" target="_blank" rel="noopener noreferrer">Dask: Chunks</a>'
    assert f"Read more: {link}; Somewhere: else" in html
    assert html.count("href=") == 1
    assert "Read more: Dask: Chunks" in Page(html).text


def test_a_terminal_gets_the_address_on_a_line_of_its_own() -> None:
    known = replace(MISTAKE, see="Dask: Best Practices, section Avoid calling compute repeatedly")
    lines = terminal.finding_lines(scored(mistakes=(known,)))
    address = "https://docs.dask.org/en/stable/best-practices.html#avoid-calling-compute-repeatedly"
    assert address in lines
    assert max(map(len, lines)) <= terminal.WIDTH


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted(map(luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def palettes() -> list[dict[str, str]]:
    """The colours of the card, light first, then dark in JupyterLab and by the system's setting."""
    style = card.render(grade_of(scored()), reference=None, where="feedback")
    blocks = re.findall(r"color-scheme: (\w+);([^}]*)\}", style)
    assert [scheme for scheme, _ in blocks] == ["light", "dark", "dark"]
    return [dict(re.findall(r"--dsk-([\w-]+):\s*([^;]+);", block)) for _, block in blocks]


def test_the_card_is_dark_where_the_page_is_and_legible_in_both() -> None:
    light, lab, system = palettes()
    assert lab == system and light.keys() == lab.keys()
    assert luminance(light["paper"]) > 0.9 and luminance(lab["paper"]) < 0.05
    for colours in (light, lab):
        for ink in ("ink", "muted", "link", "passed", "partial", "failed", "forged"):
            assert contrast(colours[ink], colours["paper"]) >= 4.5, ink
        for ground in ("reason", "reason-code", "trace", "code"):
            assert contrast(colours["ink"], colours[ground]) >= 4.5, ground
        assert contrast(colours["link"], colours["reason"]) >= 4.5
        assert contrast(colours["muted"], colours["reason"]) >= 4.5


def test_no_rule_of_the_card_has_a_colour_of_its_own() -> None:
    html = card.render(grade_of(scored()), reference=None, where="feedback")
    style = html.partition("<style>")[2].partition("</style>")[0]
    rules = re.sub(r"--dsk-[\w-]+:[^;]+;", "", style)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", rules)
    assert set(re.findall(r"var\(--dsk-([\w-]+)\)", rules)) == set(palettes()[0])


def test_card_scopes_every_rule_of_its_style() -> None:
    html = card.render(grade_of(scored()), reference=None, where="feedback")
    style = re.sub(
        r"@media[^{]*\{(.*)\}", r"\1", html.partition("<style>")[2].partition("</style>")[0]
    )
    selectors = re.findall(r"([^{}]+)\{[^{}]*\}", style)
    assert len(selectors) > 10
    for selector in (one.strip() for group in selectors for one in group.split(",")):
        assert selector.startswith(".dsk-card")


def test_card_says_points_and_verdict() -> None:
    grade = grade_of(scored(Status.PASSED), scored(mistakes=(MISTAKE,)))
    text = Page(card.render(grade, reference=None, where="feedback")).text
    assert text.startswith("2.5 of 5 points 1 of 2 checks passed.")
    assert "Most likely reason: Gathers the predictions." in text


def test_card_shows_what_helps_where_a_check_did_not_pass() -> None:
    failing = scored(expected="one block", got="`None`", advice="Return it.", mistakes=(MISTAKE,))
    for html in (
        card.render(grade_of(failing), reference=None, where="feedback"),
        card.render_finding(failing),
    ):
        text = Page(html).text
        assert re.search("Expected ?one block", text)
        assert "3.2 MB came back." in text
        assert "Read more: When to compute" in text
        assert "Return it." in text
        assert '<code class="dsk-code">None</code>' in html


def test_card_keeps_a_passed_check_to_one_line() -> None:
    passed = grade_of(scored(Status.PASSED, expected="EXP", advice="ADV"))
    text = Page(card.render(passed, reference=None, where="feedback")).text
    assert "Passed predict is lazy 2.5 / 2.5" in text
    assert "EXP" not in text and "ADV" not in text


def test_a_passed_check_alone_says_what_was_expected_and_what_came() -> None:
    passed = scored(Status.PASSED, expected="EXP", got="GOT", advice="ADV")
    text = Page(card.render_finding(passed)).text
    assert text.startswith("Passed predict is lazy 2.5 / 2.5")
    assert "EXP" in text and "GOT" in text and "ADV" not in text


def test_card_shows_the_students_own_error_once() -> None:
    broken = scored(failure=FAILURE)
    html = card.render(grade_of(broken, broken), reference=None, where="feedback")
    assert html.count("line 3\nValueError: bad shape</pre>") == 1
    assert "ValueError: bad shape (cell [6], line 3)" in html
    assert "ValueError, the same as above" in html


def test_an_error_without_lines_of_the_students_is_not_said_twice() -> None:
    message = "fit_small must return a fitted model; it returned a list."
    failure = Failure("TypeError", message, f"TypeError: {message}\n")
    finding = scored(failure=failure)
    html = card.render(grade_of(finding), reference=None, where="feedback")
    assert html.count(message) == 1 and "<pre" not in html
    assert "\n".join(terminal.finding_lines(finding)).count("TypeError") == 1


def test_what_a_passed_check_hides_counts_as_unsaid() -> None:
    grade = grade_of(scored(Status.PASSED, failure=FAILURE), scored(failure=FAILURE))
    assert "bad shape</pre>" in card.render(grade, reference=None, where="feedback")
    assert "│ ValueError: bad shape" in terminal.render(grade)


def test_card_draws_the_timed_run_once_with_its_seconds() -> None:
    timed = scored(Status.PASSED, study=STUDY, speedup=SPEEDUP)
    other = replace(many_tasks(10), done=GO + 50)
    grade = grade_of(timed, timed, evidence=evidence_of(other, BUSY))
    html = card.render(grade, reference=REFERENCE, where="feedback")
    assert html.count('role="img"') == 3
    assert "3 tasks in 1.00 s from the call to its last result." in html
    text = Page(html).text
    for row in ("one core, without Dask", "Dask, 1 worker, replayed"):
        assert row in text
    assert "1.60 s" in text and "0.60 s" in text


def test_card_without_evidence_has_bars_and_curve() -> None:
    html = card.render(
        grade_of(scored(study=STUDY, speedup=SPEEDUP)), reference=None, where="feedback"
    )
    assert html.count('role="img"') == 2


def test_a_forged_recording_is_not_pictured() -> None:
    forged = scored(Status.FORGED, study=STUDY, speedup=SPEEDUP)
    html = card.render(
        grade_of(forged, evidence=evidence_of(BUSY)), reference=None, where="feedback"
    )
    assert 'role="img"' not in html
    assert "replayed" not in terminal.render(grade_of(forged))


def test_the_notebook_says_that_the_grade_uses_unseen_data() -> None:
    grade = grade_of(scored())
    assert "neither you nor your code" in card.render(grade, reference=None, where="notebook")
    assert "neither you nor your code" not in card.render(grade, reference=None, where="feedback")


def test_the_instructors_notes_stay_with_the_instructor() -> None:
    grade = replace(grade_of(scored(note="SECRET-NOTE")), flags=("SECRET-FLAG",))
    shown = card.render(grade, reference=None, where="feedback") + terminal.render(grade)
    assert "SECRET" not in shown


def test_card_is_equal_for_equal_input() -> None:
    grade = grade_of(
        scored(Status.PASSED, study=STUDY, speedup=SPEEDUP), evidence=evidence_of(BUSY)
    )
    first, second = (card.render(grade, reference=REFERENCE, where="feedback") for _ in range(2))
    assert first == second


def test_card_and_its_cells_share_no_ids_on_one_page() -> None:
    timed = scored(Status.PASSED, study=STUDY, speedup=SPEEDUP)
    grade = grade_of(timed, evidence=evidence_of(BUSY))
    whole = card.render(grade, reference=None, where="feedback")
    alone = card.render_finding(timed, evidence=grade.evidence)
    ids = [
        {value for name, value in Page(html).attributes if name == "id"} for html in (whole, alone)
    ]
    assert ids[0] and ids[1] and not ids[0] & ids[1]


# --------------------------------------------------------------------------- the words

WORDS = {
    Status.PASSED: "passed",
    Status.PARTIAL: "partly passed",
    Status.FAILED: "not passed",
    Status.UNTOUCHED: "not attempted",
    Status.FORGED: "not accepted",
}


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_word_everywhere(status: Status) -> None:
    one = scored(status)
    assert WORDS[status] in terminal.finding_lines(one)[0]
    assert Page(card.render_finding(one)).text.startswith(WORDS[status].capitalize())


@pytest.mark.parametrize(
    ("statuses", "sentence"),
    [
        ((), "Nothing in this exercise is marked by a machine."),
        ((Status.PASSED, Status.PASSED), "Every check passed."),
        ((Status.UNTOUCHED, Status.UNTOUCHED), "the blanks are unchanged"),
        ((Status.PASSED, Status.UNTOUCHED), "All that is filled in is right; next: predict."),
        ((Status.UNTOUCHED, Status.FAILED), "0 of 2 checks passed. Begin with “predict is lazy”."),
        ((Status.PASSED, Status.FAILED), "1 of 2 checks passed. Begin with “predict is lazy”."),
        ((Status.PASSED, Status.PARTIAL), "1 of 2 checks passed."),
        ((Status.PASSED, Status.FORGED), "Your instructor will look at it."),
    ],
)
def test_verdict_in_a_sentence(statuses: tuple[Status, ...], sentence: str) -> None:
    assert sentence in vocabulary.verdict(grade_of(*map(scored, statuses)))


def test_verdict_begins_with_an_exception_before_a_mistake() -> None:
    grade = grade_of(scored(mistakes=(MISTAKE,)), scored(failure=FAILURE))
    assert (
        vocabulary.verdict(grade)
        == "0 of 2 checks passed. Begin with the ValueError that your code raised."
    )


def test_plain_text_fits_its_width_and_says_everything() -> None:
    long = "a fairly long sentence about blocks " * 6
    everything = scored(
        expected=long,
        got=long,
        advice=long,
        mistakes=(MISTAKE,),
        failure=FAILURE,
        study=STUDY,
        speedup=SPEEDUP,
    )
    text = terminal.render(grade_of(scored(Status.PASSED), everything))
    assert max(map(len, text.splitlines())) <= 88
    for word in ("expected", "got", "likely reason", "what to do", "your error", "0.80 s"):
        assert word in text
    assert "ValueError: bad shape (cell [6], line 3)" in text
    assert len(terminal.finding_lines(scored(Status.PASSED, expected=long))) == 1


def test_plain_text_cannot_steer_the_terminal() -> None:
    text = terminal.render(hostile_grade())
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "<script>alert" in text
    text.encode()


def test_a_long_message_is_cut_in_the_heading() -> None:
    heading = error_text.failure_heading(replace(FAILURE, message="m" * 10_000))
    assert len(heading) < 300 and " … (cell [6], line 3)" in heading
    two_lines = error_text.failure_heading(
        replace(FAILURE, message="one\ntwo", cell=None, line=None)
    )
    assert two_lines == "ValueError: one …"


# --------------------------------------------------------------------------- the tables


def printed(shown: object) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_phase_table_adds_up_to_the_mean_of_the_whole() -> None:
    text = printed(
        class_table.phase_table([{"start": 1.0, "cases": 3.0}, {"start": 2.0, "oracle": 2.0}])
    )
    lines = [line.split() for line in text.splitlines()[1:]]
    assert lines == [
        ["start", "1.50", "38%"],
        ["cases", "1.50", "38%"],
        ["oracle", "1.00", "25%"],
        ["together", "4.00", "2", "submissions"],
    ]


def test_tables_of_nobody() -> None:
    assert "0 submissions" in printed(class_table.phase_table([]))


# -------------------------------------------------------------------- what self-checks add to it


def progress(*statuses: Status) -> Grade:
    """A function for each status, f0, f1, …"""
    return grade_of(*(scored(s, function=f"f{i}") for i, s in enumerate(statuses)))


def test_a_card_on_several_functions_says_how_far_one_is() -> None:
    grade = progress(Status.PASSED, Status.FAILED, Status.UNTOUCHED)
    page = Page(card.render(grade, reference=None, where="notebook"))
    assert "f0 passed f1 not passed f2 not attempted" in page.text
    assert ("aria-label", "How far you are") in page.attributes
    one = Page(card.render(progress(Status.PASSED), reference=None, where="notebook"))
    assert ("aria-label", "How far you are") not in one.attributes


@pytest.mark.parametrize(
    ("statuses", "word"),
    [
        ((Status.PASSED, Status.PASSED), Status.PASSED),
        ((Status.PASSED, Status.PARTIAL), Status.PARTIAL),
        ((Status.PARTIAL, Status.FAILED, Status.PASSED), Status.FAILED),
        ((Status.UNTOUCHED, Status.UNTOUCHED), Status.UNTOUCHED),
        ((Status.PASSED, Status.FORGED), Status.FORGED),
    ],
)
def test_a_function_is_what_the_most_serious_of_its_checks_is(
    statuses: tuple[Status, ...], word: Status
) -> None:
    assert vocabulary.together(statuses) is word
    assert vocabulary.by_function(grade_of(*map(scored, statuses))) == [("predict", word)]


def test_the_preview_says_so_and_the_grade_does_not() -> None:
    grade = grade_of(scored())
    shown = {
        where: Page(card.render(grade, reference=None, where=where)).text
        for where in ("notebook", "feedback")
    }
    # It stands under every card, and is unfolded by whoever wants to know.
    assert vocabulary.PREVIEW_TITLE in shown["notebook"]
    assert vocabulary.PREVIEW in shown["notebook"]
    assert "preview" not in shown["feedback"]


def test_a_remark_stands_on_the_card_as_text() -> None:
    html = card.render(grade_of(scored()), reference=None, where="notebook", remark="in <b>2 s</b>")
    assert "in <b>2 s</b>" in Page(html).text


def test_an_error_of_ours_says_what_to_report_and_where_nobody_foresaw_it() -> None:
    assert error_text.in_short(HarnessError("The box\n is gone.")) == "The box is gone."
    try:
        raise KeyError("x")
    except KeyError as error:
        unforeseen = error
    assert re.fullmatch(
        r"KeyError: 'x' \(test_report.py, line \d+\)\.", error_text.in_short(unforeseen)
    )
    said = error_text.ours(unforeseen)
    assert said.startswith("The kit failed here, not your answer: KeyError")
    assert "send this message to your instructor" in said
