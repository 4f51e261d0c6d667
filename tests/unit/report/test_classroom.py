"""The class report: complete, harmless whatever students write, and the same in its CSV."""

import csv
import hashlib
import io
import re
from base64 import b64encode
from dataclasses import replace
from importlib.resources import files

import pytest
from html_pages import Page
from made_up_class import EXERCISE, HOSTILE, room

from autograder.model import Failure, Mistake, Status
from autograder.report.classroom import Entry, EqualCode, csv_text, html, reasons
from autograder.report.classroom.page import _breakable
from autograder.report.classroom.spreadsheet import safe_cell
from autograder.report.vocabulary import GLYPHS, WORDS


class Document(Page):
    """A whole page, with its void elements and without the text of its script."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        void = tag in ("meta", "br", "input", "wbr")
        (self.handle_startendtag if void else super().handle_starttag)(tag, attrs)

    def handle_data(self, data: str) -> None:
        if "script" not in self.open:
            super().handle_data(data)


@pytest.fixture(scope="module")
def page() -> str:
    return html(room())


def rows_of(text: str) -> dict[str, dict[str, str]]:
    return {row["student"]: row for row in csv.DictReader(io.StringIO(text))}


def test_everybody_is_on_the_page_with_marks_state_and_way_to_the_feedback(page: str) -> None:
    text = Document(page).text
    for entry in room().entries[:-1]:
        assert entry.student in text
    assert "Ada Lovelace" in text
    for state in (
        "all marked",
        "left blank",
        "words to mark",
        "ungraded",
        "not handed in",
        "flagged",
    ):
        assert state in text
    assert 'href="../feedback/bernoulli/x/x.html"' in page
    assert "late: −1.5" in text and "The machine was busy." in text


def test_a_mistake_is_counted_once_per_student_the_commonest_first(page: str) -> None:
    table = page[page.index('id="mistakes"') : page.index('id="checks"')]
    titles = re.findall(r'<th scope="row" class="text">(.*)\n', table)
    assert titles == [
        "The labels are computed too early",
        "One chunk holds everything",
        "fit_small raises ValueError",
        "“predict_large keeps both workers busy” is not passed",
    ]
    assert re.findall(r'<td class="number">(\d+)', table) == ["3", "3", "1", "1"]
    # Of eight who were graded.
    assert re.findall(r"<td[^>]*>(\d+) %", table) == ["38", "38", "12", "12"]


def test_one_cause_counts_once_however_many_checks_it_fails() -> None:
    ada, _, cantor = room().entries[:3]
    assert [(r.function, r.title) for r in ada.reasons] == [
        ("fit_small", "fit_small raises ValueError"),
        ("predict_large", "The labels are computed too early"),
        ("predict_large", "One chunk holds everything"),
    ]
    assert [r.title for r in cantor.reasons] == ["The labels are computed too early"]


def test_an_unnamed_loss_is_told_by_its_first_check_and_an_untouched_blank_is_none() -> None:
    entries = {entry.student: entry for entry in room().entries}
    assert entries["galois"].reasons == ()
    (partly,) = entries["dido"].reasons
    assert (partly.title, partly.example) == (
        "“predict_large keeps both workers busy” is not passed",
        "what came",
    )
    key = (EXERCISE, "predict_large_speedup")
    item = entries["dido"].findings[key]
    forged = replace(item, finding=replace(item.finding, status=Status.FORGED))
    assert [r.title for r in reasons({key: forged})] == ["The recording was not accepted"]


@pytest.mark.parametrize("anonymous", [False, True])
def test_what_students_wrote_stays_text(anonymous: bool) -> None:
    page = html(room(), anonymous=anonymous)
    assert page.count("<script>") == (0 if anonymous else 1)
    assert 'document.title="taken"' not in page
    parsed = Document(page)
    assert not any(name.startswith("on") or name == "style" for name, _ in parsed.attributes)
    assert "49" not in parsed.text
    assert "\x1b" not in page and "\ud800" not in page
    page.encode()


def test_the_policy_allows_this_script_and_style_and_nothing_else(page: str) -> None:
    def digest(tag: str) -> str:
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        return b64encode(hashlib.sha256(text.encode()).digest()).decode()

    found = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert found is not None
    assert found[1].replace("&#39;", "'").split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest('style')}'",
        f"script-src 'sha256-{digest('script')}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_the_page_loads_nothing(page: str) -> None:
    parsed = Document(page)
    assert not {"link", "img", "iframe", "object", "embed", "form", "base"} & set(parsed.tags)
    links = [value for name, value in parsed.attributes if name in ("href", "src")]
    assert links and all(value and value.startswith("../feedback/") for value in links)
    assert "url(" not in page and "@import" not in page


def test_pictures_are_told_in_words(page: str) -> None:
    told = re.findall(r'role="img" aria-label="([^"]*)"', page)
    assert told[0].startswith("8 students: 2 from 0 to 1;") and "median" in told[0]
    assert "reference 1.90" in told[1]


def test_columns_and_rows_have_their_headers(page: str) -> None:
    assert not re.findall(r"<th(?![^>]*scope=)[ >]", page)
    table = page[page.index('<table id="roster">') :]
    sortable = re.findall(r'<th[^>]*aria-sort="(\w+)"[^>]*><button type="button"', table)
    assert sortable == ["ascending", "none", "none", "none", *["none"] * 5]


def test_nobody_is_named_on_the_anonymous_page() -> None:
    page = html(room(), anonymous=True)
    for entry in room().entries:
        assert entry.student not in page
        assert entry.name == "" or entry.name not in page
    assert "feedback" not in page
    # An exception's message is the student's own text, the explanation of a mistake is ours.
    assert "document.title" not in page and "document.title" in html(room())
    assert "One task took 1.2 of 1.3 s." in page
    assert "One chunk holds everything" in page and "predict_large keeps both" in page


BROKEN = "it was stopped: the notebook's cells broke something that the grader needs"


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"failure": Failure("FromBob", "", "")}, "fit_small raises an exception of its own"),
        ({"failure": Failure("ValueError", "FromBob", "")}, "fit_small raises ValueError"),
        ({"failure": Failure("KilledWorker", "FromBob", "")}, "fit_small raises KilledWorker"),
        (
            {"got": f"{BROKEN} (prepare() raised FromBob: FromBob); closing the client does that"},
            "fit_small was stopped: the notebook's cells broke something that the grader needs",
        ),
        (
            {"got": "it was stopped: a malformed message from or to its kernel: FromBob()"},
            "fit_small was stopped: a malformed message from or to its kernel",
        ),
        (
            {"got": "it was stopped: it used more than the 2.5 GB of memory that it may"},
            "fit_small was stopped: it used more than the 2.5 GB of memory that it may",
        ),
        ({"got": "FromBob, an array"}, "“fit_small returns the right model” is not passed"),
        ({"got": "FromBob", "status": Status.FORGED}, "The recording was not accepted"),
        (
            {"mistakes": (Mistake("variable_for_argument", "A variable", "It uses FromBob.", ""),)},
            "A variable",
        ),
        ({"mistakes": (Mistake("chunks", "A chunk", "One of 3.", ""),)}, "A chunk"),
    ],
)
def test_words_of_a_student_are_not_on_the_anonymous_page(
    changes: dict[str, object], title: str
) -> None:
    changes = {"status": Status.FAILED, "mistakes": (), "failure": None} | changes
    entry = with_findings("bernoulli", **changes)
    made = replace(room(), entries=(replace(entry, findings=dict([*entry.findings.items()][:1])),))
    page = html(made, anonymous=True)
    assert "FromBob" not in page and title in Document(page).text
    # The instructor's page has them, and the class's all that is not theirs.
    assert ("FromBob" in html(made)) == ("FromBob" in str(changes))
    assert ("One of 3." in page) == ("One of 3." in str(changes))


def test_exceptions_of_their_own_are_counted_together_on_the_anonymous_page() -> None:
    entries = tuple(
        with_findings(student, status=Status.FAILED, mistakes=(), failure=Failure(kind, "", ""))
        for student, kind in {"bernoulli": "Mine", "cantor": "Yours"}.items()
    )
    made = replace(room(), entries=entries)
    for anonymous, counts in ((False, ["1"] * 4), (True, ["2"] * 2)):
        page = html(made, anonymous=anonymous)
        table = page[page.index('id="mistakes"') : page.index('id="checks"')]
        assert re.findall(r'<td class="number">(\d+)', table) == counts


def test_the_csv_has_no_points_where_there_is_no_grade() -> None:
    rows = rows_of(csv_text(room()))
    hilbert = rows["hilbert"]
    assert (hilbert["state"], hilbert["points"]) == ("ungraded", "")
    assert hilbert["fit_small_values"] == ""
    assert hilbert["reason"].startswith("No notebook: ")
    assert (rows["iphigenia"]["state"], rows["iphigenia"]["points"]) == ("not handed in", "")
    # Who left every blank has a grade, and it is 0.
    assert (rows["galois"]["state"], rows["galois"]["points"]) == ("left blank", "0")


def test_the_csv_has_points_speedups_and_mistakes() -> None:
    rows = rows_of(csv_text(room()))
    dido = rows["dido"]
    assert (dido["points"], dido["max_points"], dido["late_penalty"]) == ("7.5", "13", "1.5")
    assert (dido["predict_large_speedup"], dido["when_not"]) == ("2", "")
    assert dido["predict_large_speedup_counted"] == "1.750"
    assert rows["fermat"]["mistakes"] == (
        "The labels are computed too early; One chunk holds everything"
    )


def test_the_csv_holds_no_formula() -> None:
    text = csv_text(room())
    for row in csv.reader(io.StringIO(text)):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
        assert not any("\n" in cell for cell in row)
    assert any(name.startswith("'=1+1") for name in rows_of(text))
    assert HOSTILE.startswith("=")


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "＝1+1")  # noqa: RUF001


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("before", ["", "a;", "a; ", "a|", "a\t", "a\n", "a,", 'a;"', 'a";""', " "])
@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_no_part_of_a_text_is_a_formula_whatever_separates_cells(
    separator: str, before: str, formula: str
) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["1", safe_cell(before + formula)], ["1", "2"]])
    for cell in (
        cell for row in csv.reader(out.getvalue().splitlines(), delimiter=separator) for cell in row
    ):
        assert not cell.lstrip().startswith(tuple(each[0] for each in FORMULAS))


@pytest.mark.parametrize(
    "name",
    ["O'Neill", "Smith; Ann", "Smith, Ann", "Jean-Luc", 'Ann "Nan" Smith', "a=b", "ann@lab; 2-3"],
)
def test_names_stay_as_they_are_in_a_table(name: str) -> None:
    assert safe_cell(f" {name}\n") == name


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_texts_stand_out_from_their_ground(scheme: str) -> None:
    """Contrast of WCAG 2.1, success criterion 1.4.3: AA wants 4.5 for texts of any size."""
    style = files("autograder.report").joinpath("templates", "classroom.css").read_text()
    place = {"light": 0, "dark": 1, "print": 2}[scheme]
    block = re.findall(r":root \{(.*?)\}", style, re.S)[place]
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
    assert {"ink", "muted", "link", "mark", "passed", "partial", "failed", "forged"} <= set(colours)
    for name in set(colours) - {"page", "panel", "rule", "bar", "focus"}:
        for ground in ("page", "panel"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    # Of what is no text, 1.4.11 wants 3.
    assert contrast(colours["bar"], colours["page"]) >= 3


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_is_computed_as_it_should_be() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_an_empty_class_has_a_page() -> None:
    empty = replace(room(), entries=())
    assert "Nobody yet." in html(empty)
    assert rows_of(csv_text(empty)) == {}


@pytest.mark.parametrize("workers", [1, 2, 8, 1000])
def test_speedups_of_any_cluster_have_a_picture(workers: int) -> None:
    (timing,) = room().timings
    page = html(replace(room(), timings=(replace(timing, workers=workers),)))
    told = re.findall(r'role="img" aria-label="([^"]*)"', page)[1]
    assert sum(int(count) for count in re.findall(r"(\d+) from", told)) == 8


def test_equal_code_is_told_and_names_nobody_in_the_page_for_the_class() -> None:
    groups = (EqualCode(EXERCISE, ("ada", "<b>bernoulli")),)
    page = html(replace(room(), equal_code=groups))
    text = Document(page).text
    assert f"{EXERCISE}: 2 students, ada, <b>bernoulli" in text
    assert "no effect on marks" in text
    shown = html(replace(room(), equal_code=groups), anonymous=True)
    assert "Equal code" not in shown
    assert "Equal code" not in html(room())


def with_findings(student: str, **changes: object) -> Entry:
    """An entry of the made-up class with other findings, each check changed alike."""
    entry = next(one for one in room().entries if one.student == student)
    findings = {
        key: replace(item, finding=replace(item.finding, **changes))  # type: ignore[arg-type]
        for key, item in entry.findings.items()
    }
    return replace(entry, findings=findings)


@pytest.mark.parametrize("kind", ["SyntaxError", "IndentationError", "TabError"])
def test_a_cell_that_python_cannot_read_is_named_with_its_kind(kind: str) -> None:
    unread = Mistake("unreadable", "Python cannot read the cell", "Line 3.", "")
    entry = with_findings("cantor", mistakes=(unread,), failure=Failure(kind, "invalid", ""))
    assert [reason.title for reason in entry.reasons] == [f"Python cannot read the cell ({kind})"]
    # Another exception stays in the explanation, so that its mistake is counted in one place.
    other = with_findings("cantor", mistakes=(unread,), failure=Failure("ValueError", "", ""))
    assert [reason.title for reason in other.reasons] == ["Python cannot read the cell"]


@pytest.mark.parametrize(
    ("got", "title"),
    [
        (
            "it was stopped: it ended the notebook's kernel",
            "predict_large was stopped: it ended the notebook's kernel",
        ),
        (
            "cell 7 of the notebook was stopped: it ran for more than 60 seconds",
            "A cell of the notebook was stopped: it ran for more than 60 seconds",
        ),
        (
            "the notebook was stopped before it could be called",
            "The notebook was stopped before it could be called",
        ),
        ("a list that was stopped", "“predict_large leaves the work for later” is not passed"),
    ],
)
def test_what_was_stopped_is_named(got: str, title: str) -> None:
    (reason,) = with_findings("cantor", mistakes=(), failure=None, got=got).reasons
    assert reason.title == title


def test_the_words_for_what_was_stopped_are_those_of_the_checks() -> None:
    said = files("autograder.checks").joinpath("no_answer.py").read_text()
    for words in (
        'f"it was stopped: {',
        'f"cell {cell.index + 1} of the notebook was stopped: {',
        '"the notebook was stopped before it could be called"',
    ):
        assert words in said


def test_blanks_are_named_where_others_are_filled_in(page: str) -> None:
    (key, item), *rest = next(
        one for one in room().entries if one.student == "bernoulli"
    ).findings.items()
    blank = replace(item, finding=replace(item.finding, status=Status.UNTOUCHED))
    entry = replace(room().entries[1], findings={key: blank, **dict(rest)})
    assert entry.blanks == ("fit_small",)
    assert "Left blank: fit_small" in Document(html(replace(room(), entries=(entry,)))).text
    # Who left everything blank has a state that says so, once.
    assert "Left blank:" not in Document(page).text and "left blank" in Document(page).text


def test_every_sign_has_one_meaning_and_the_legend_names_it(page: str) -> None:
    legend = page[page.index("<caption>Points and result of each check") :]
    legend = Document(f"<table>{legend[: legend.index('</caption>')]}</caption></table>").text
    for status, sign in GLYPHS.items():
        assert f"{sign} {WORDS[status]}" in legend
    assert all(sign in legend for sign in "–*…")
    table = page[page.index('<table id="roster">') :]
    body = re.sub(r"<(?:script|style).*?</(?:script|style)>", "", page, flags=re.DOTALL)
    # Beside a check, and in headings of the counts of checks, and nowhere else.
    for sign in GLYPHS.values():
        beside = len(re.findall(rf'class="glyph" aria-hidden="true">{sign}</span>', table))
        assert body.count(sign) == beside + 2


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("predict_large", ["predict_", "large"]),
        ("anna-maria.s@example.org", ["anna-", "maria.", "s@", "example.", "org"]),
        ("ParallelPostFit", ["Parallel", "Post", "Fit"]),
        ("Speedup of predict_large", ["Speedup ", "of ", "predict_", "large"]),
        ("x" * 40, ["x" * 16, "x" * 16, "x" * 8]),
        ("<b>", ["&lt;b&gt;"]),
        ("", [""]),
    ],
)
def test_names_break_between_words(name: str, pieces: list[str]) -> None:
    assert str(_breakable(name)).split("<wbr/>") == pieces


def test_a_table_of_very_many_checks_scrolls_within_itself(page: str) -> None:
    made = room()
    assert 'class="roster many"' not in page
    (first, *_) = made.columns
    many = tuple(replace(first, grade_id=f"check_{number}") for number in range(21))
    assert 'class="roster many"' in html(replace(made, columns=many))


def test_300_students_are_a_page_of_moderate_size() -> None:
    made = room()
    entries = tuple(
        replace(made.entries[number % 9], student=f"student.{number:03d}") for number in range(300)
    )
    # 1.2 kB a student is what a line with four checks took when this was written.
    assert len(html(replace(made, entries=entries)).encode()) < 700_000


def test_one_mistake_of_several_functions_stands_once_with_their_names() -> None:
    entry = room().entries[1]
    several = {
        key: replace(item, finding=replace(item.finding, status=Status.FAILED, mistakes=(twice,)))
        for twice in (Mistake("twice", "Done `twice`", "", ""),)
        for key, item in entry.findings.items()
    }
    page = html(replace(room(), entries=(replace(entry, findings=several),)))
    row = page[page.index("<tbody>", page.index('id="roster"')) :]
    text = Document(f"<table>{row[: row.index('</table>')]}</table>").text
    assert "Done twice: fit_small, predict_large" in text and text.count("Done twice") == 1
