"""What axe-core finds wrong with a page: its rules of WCAG 2.2 AA and of good practice."""

from importlib.resources import files
from importlib.util import find_spec

from playwright.sync_api import Browser, BrowserContext, Page

__all__ = ["AXE", "reader_of", "violations"]

AXE = find_spec("axe_playwright_python") is not None
"""Whether the package is installed that brings axe-core with it."""

_RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.flatMap((rule) => rule.nodes.map(
    (node) => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary.split("\\n")[1]}`));
}"""


def reader_of(browser: Browser, scheme: str) -> BrowserContext:
    """Open a context in which axe may run: our pages forbid scripts that are not theirs."""
    return browser.new_context(
        bypass_csp=True,
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": 1280, "height": 900},
    )


def violations(page: Page) -> list[str]:
    """Return what axe finds, a line for each element."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found: list[str] = page.evaluate(_RUN)
    return found
