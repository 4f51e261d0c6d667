"""The class report in a real browser: sorted, filtered, by keyboard, on paper, and harmless."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyterlab import SCREENSHOTS, patient, picture
from made_up_class import room, wide_room
from playwright.sync_api import Browser, Page, expect

from autograder.report.classroom import html

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("commands")]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html(room()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def report(browser: Browser, address: str) -> Iterator[Page]:
    """The report, freshly opened; whatever the browser complains of fails the test."""
    page = patient(browser.new_page(viewport={"width": 1280, "height": 900}))
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page
    page.close()
    assert complaints == []


def students(page: Page) -> list[str]:
    names = page.locator("#roster tbody tr:not([hidden]) th").all_inner_texts()
    return [name.split()[0] for name in names]


def test_columns_sort_both_ways_and_what_is_missing_comes_last(report: Page) -> None:
    by_points = report.get_by_role("button", name="Points of 13")
    header = report.locator("th", has=by_points)
    by_points.click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    up = students(report)
    by_points.click()
    expect(header).to_have_attribute("aria-sort", "descending")
    down = students(report)
    expect(report.locator('[aria-sort="ascending"], [aria-sort="descending"]')).to_have_count(1)
    assert up[:4] == ["ada", "galois", "fermat", "euler"]
    assert down[:2] == ["bernoulli", "=1+1"] and down[6:8] == ["ada", "galois"]
    assert up[-2:] == down[-2:] == ["hilbert", "iphigenia"]


def test_the_table_is_filtered_by_state_mistake_and_text(report: Page) -> None:
    shown = report.get_by_role("status")
    expect(shown).to_have_text("10 of 10 students shown")
    report.get_by_label("Show").select_option("flagged")
    assert students(report) == ["euler"]
    report.get_by_label("Show").select_option("words to mark")
    assert students(report) == ["cantor", "euler"]
    report.get_by_label("With the mistake").select_option(index=2)
    expect(shown).to_have_text("1 of 10 students shown")
    assert students(report) == ["euler"]
    report.get_by_label("Show").select_option("everybody")
    assert students(report) == ["ada", "euler", "fermat"]
    report.get_by_label("Find").fill("LOVELACE")
    assert students(report) == ["ada"]


def test_a_mistake_leads_to_those_who_made_it(report: Page) -> None:
    report.get_by_role("button", name="who made this mistake: One chunk").click()
    assert students(report) == ["ada", "euler", "fermat"]
    expect(report.get_by_label("With the mistake")).to_be_focused()


def test_the_keyboard_is_enough(report: Page) -> None:
    report.get_by_label("Find").focus()
    for _ in range(4):
        report.keyboard.press("Tab")
    # Past the two other filters and the table's own stop, by which it scrolls.
    expect(report.get_by_role("button", name="Student")).to_be_focused()
    report.keyboard.press("Enter")
    assert (students(report)[0], students(report)[-1]) == ("iphigenia", "=1+1")
    report.keyboard.press("Tab")
    report.keyboard.press("Space")
    assert students(report)[:2] == ["ada", "galois"]


def test_no_other_script_runs(browser: Browser, address: str) -> None:
    """A script that got into the page all the same is stopped by the policy; ours runs."""
    page = patient(browser.new_page())
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    text = Path(address.removeprefix("file://")).read_text()
    spoilt = Path(address.removeprefix("file://")).with_name("spoilt.html")
    spoilt.write_text(text.replace("</main>", '<script>document.title = "taken"</script></main>'))
    page.goto(spoilt.as_uri())
    assert page.title() != "taken"
    assert any("Content Security Policy" in complaint for complaint in complaints)
    expect(page.get_by_role("status")).to_have_text("10 of 10 students shown")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [800, 1280, 1920])
def test_it_fits_the_window(report: Page, width: int, scheme: str) -> None:
    report.set_viewport_size({"width": width, "height": 900})
    report.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    report.screenshot(path=SCREENSHOTS / f"class-report-{width}-{scheme}.png", full_page=True)
    assert report.evaluate("document.documentElement.scrollWidth") <= width
    inside = report.locator(".roster")
    assert inside.evaluate("one => one.scrollWidth <= one.clientWidth + 1")


@pytest.fixture(scope="module")
def wide(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A report with ten checks, a question, a timed function and long names."""
    path = tmp_path_factory.mktemp("wide") / "report.html"
    path.write_text(html(wide_room()), encoding="utf-8")
    page = patient(browser.new_page())
    page.goto(path.as_uri())
    yield page
    page.close()


@pytest.mark.parametrize("width", [800, 1024, 1280, 1600, 1920])
def test_no_column_is_cut_off_and_the_headings_stay(wide: Page, width: int) -> None:
    wide.set_viewport_size({"width": width, "height": 900})
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    row = wide.locator("#roster tbody tr").nth(40)
    row.evaluate("one => one.scrollIntoView({ block: 'center' })")
    wide.screenshot(path=SCREENSHOTS / f"class-report-wide-{width}.png")
    assert wide.evaluate("document.documentElement.scrollWidth") <= width
    cut = row.locator("th, td").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText)"
    )
    assert cut == []
    for cell in wide.locator("#roster thead th").all():
        box = cell.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
        assert 0 <= box["y"] < 300
    # They stand above the rows, and not in their way.
    name = wide.locator("#roster thead .sort").first
    assert name.evaluate(
        "one => { const at = one.getBoundingClientRect();"
        " return one.contains(document.elementFromPoint(at.x + 3, at.y + 3)); }"
    )


def test_paper_cuts_nothing_off(wide: Page) -> None:
    """A4 across is 277 mm wide without its margins, which is 1047 of a browser's pixels."""
    wide.set_viewport_size({"width": 1047, "height": 718})
    wide.emulate_media(media="print")
    assert wide.evaluate("document.documentElement.scrollWidth") <= 1047
    wide.emulate_media(media="screen")


def test_it_can_be_printed(report: Page, tmp_path: Path) -> None:
    printed = SCREENSHOTS / "class-report.pdf"
    printed.parent.mkdir(parents=True, exist_ok=True)
    report.pdf(path=printed, prefer_css_page_size=True)
    report.emulate_media(media="print")
    expect(report.locator("#controls")).to_be_hidden()
    expect(report.get_by_role("button", name="who made").first).to_be_hidden()
    for entry in room().entries[:-1]:
        row = report.locator("#roster").get_by_role("rowheader", name=entry.student)
        expect(row).to_be_visible()
    assert printed.read_bytes().startswith(b"%PDF")


def test_the_page_for_the_class_shows_no_names(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "anonymous.html"
    path.write_text(html(room(), anonymous=True), encoding="utf-8")
    page = patient(browser.new_page(viewport={"width": 1280, "height": 900}))
    page.goto(path.as_uri())
    expect(page.get_by_role("heading", name="What went wrong")).to_be_visible()
    expect(page.get_by_text("bernoulli")).to_have_count(0)
    expect(page.get_by_role("button")).to_have_count(0)
    picture(page, "class-report-anonymous")
    page.close()
