"""Scales, legends and shapes: pixels where they belong, and nothing heavy imported for them."""

import math
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from autograder.report.charts import Axes, Look, Scale, Series, legend, legend_size
from autograder.report.svg import Fill, drawing, element, picture, pixels, text, text_width


def test_a_card_is_drawn_without_a_plotting_library() -> None:
    code = "import autograder.report.card, autograder.report.scaling_page, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert "autograder.report.card" in loaded.stdout.split()
    assert "matplotlib" not in loaded.stdout.split()


@pytest.mark.parametrize(
    ("scale", "labels"),
    [
        (Scale(0, 0.94, 0, 1), "0.0 0.2 0.4 0.6 0.8"),
        (Scale(0, 1e-6, 0, 1), "0.0000000 0.0000002 0.0000004 0.0000006 0.0000008 0.0000010"),
        (Scale(0, 672, 0, 1), "0 100 200 300 400 500 600"),
        (Scale(0, 1900, 0, 1), "0 250 500 750 1,000 1,250 1,500 1,750"),
        (Scale(0.8, 92, 0, 1, log=True), "1 2 4 8 16 32 64"),
        (Scale(0.2, 1500, 0, 1, log=True), "0.25 1 4 16 64 256 1024"),
    ],
)
def test_ticks_are_round_and_few(scale: Scale, labels: str) -> None:
    ticks = scale.ticks()
    assert [label for _, label in ticks] == labels.split()
    assert all(scale.low <= value <= scale.high * (1 + 1e-9) for value, _ in ticks)


def test_a_scale_takes_its_ends_to_its_ends_and_doublings_equally_far() -> None:
    linear, log = Scale(2, 4, 100, 0), Scale(1, 8, 0, 300, log=True)
    assert [linear(v) for v in (2, 3, 4)] == [100, 50, 0]
    assert [log(v) for v in (1, 2, 4, 8)] == pytest.approx([0, 100, 200, 300])


def test_points_that_have_no_place_are_left_out() -> None:
    axes = Axes(Scale(1, 4, 0, 20, log=True), Scale(1, 4, 20, 0, log=True))
    points = [(1, 1), (2, 0.0), (2, math.nan), (2, math.inf), (4, 4)]
    (line,) = axes.plot([Series("s", Look("red"), points)])
    assert line.get("points") == "0,20 20,0"
    assert list(axes.plot([Series("s", Look("red"), [(2, math.inf)])])) == []


def test_what_is_cut_off_is_in_a_group_that_refers_to_its_clip() -> None:
    axes = Axes(Scale(0, 1, 10, 20), Scale(0, 1, 20, 10))
    drawn = picture("x", (30, 30), axes.inside([element("path")]), title="t", description="d")
    elements = list(ElementTree.fromstring(drawn).iter())
    (clip,) = (e for e in elements if e.tag.endswith("clipPath"))
    (group,) = (e for e in elements if e.get("clip-path"))
    assert group.get("clip-path") == f"url(#{clip.get('id')})"
    assert (clip[0].get("y"), clip[0].get("height"), len(group)) == ("10", "10", 1)


@pytest.mark.parametrize("columns", [1, 2, 3, 7])
def test_a_legend_names_all_and_takes_the_room_that_it_says(columns: int) -> None:
    series = [Series(f"entry {n}", Fill("#000000") if n % 2 else Look("red")) for n in range(7)]
    drawn = [e for e in legend(series, 5.0, 7.0, columns) if e.tag == "text"]
    assert [e.text for e in drawn] == [f"entry {n}" for n in range(7)]
    width, height = legend_size(series, columns)
    for each in drawn:
        assert 5 <= float(each.attrib["x"]) <= 5 + width - text_width(each.text or "")
        assert 7 <= float(each.attrib["y"]) <= 7 + height


def test_wide_characters_take_more_room() -> None:
    assert text_width("漢字") > text_width("mw") > text_width("ab") > text_width("il")


@pytest.mark.parametrize("hatch", "/\\x+-|")
def test_hatched_fills_refer_to_their_pattern(hatch: str) -> None:
    fill = Fill("#0072B2", hatch)
    assert fill.paint == f"url(#{fill.pattern().get('id')})"
    assert Fill("#0072B2").paint == "#0072B2"


def test_texts_cannot_break_a_picture() -> None:
    hostile = "<script>\x00\x1b[31m\ud800 ]]> &amp;"
    shown = drawing((0, 0, 1, 1), [text(0, 0, hostile)], hostile)
    root = ElementTree.fromstring(shown)
    assert root[0].text == root.get("aria-label") == "<script>\ufffd\ufffd ]]> &amp;"
    assert " style=" not in shown  # the page's policy would refuse it


@pytest.mark.parametrize(
    ("value", "written"), [(0, "0"), (1.0, "1"), (100, "100"), (0.126, "0.13"), (-2.5, "-2.5")]
)
def test_lengths_are_short(value: float, written: str) -> None:
    assert pixels(value) == written
