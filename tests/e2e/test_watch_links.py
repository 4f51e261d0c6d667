"""Where ``watch()`` leads in a browser, on this machine and on another one behind a hub."""

import json
from collections.abc import Iterator

import pytest
from browser import CHROMIUM, chromium
from playwright.sync_api import Browser, Route

from cluster import dashboard

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium"),
]

DIRECT = "http://127.0.0.1:8787/status"
HUB = "http://hub.example.org/user/ada/lab"
PROXIED = "/user/ada/proxy/8787/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize(
    ("link", "page_at", "base", "leads_to", "asks"),
    [
        (DIRECT, "http://localhost:8888/lab", "/", "http://127.0.0.1:8787/",
         "/dask/dashboard-check/http%3A%2F%2F127.0.0.1%3A8787%2F"),
        (DIRECT, HUB, "/user/ada/", PROXIED, f"{PROXIED}individual-plots.json"),
        (f"{PROXIED}status", HUB, "/user/ada/", PROXIED, f"{PROXIED}individual-plots.json"),
        ("proxy/8787/status", HUB, "/user/ada/", PROXIED, f"{PROXIED}individual-plots.json"),
        ("http://10.0.0.5:8787/status", HUB, "/user/ada/", "http://10.0.0.5:8787/",
         "/user/ada/dask/dashboard-check/http%3A%2F%2F10.0.0.5%3A8787%2F"),
        (DIRECT, "http://elsewhere.example.org/notebook", None, "http://127.0.0.1:8787/", None),
    ],
    ids=["here", "a hub", "its link", "a relative link", "another machine's", "no JupyterLab"],
)  # fmt: skip
def test_link_and_panes_lead_to_the_dashboard(
    browser: Browser, link: str, page_at: str, base: str | None, leads_to: str, asks: str | None
) -> None:
    config = json.dumps({"baseUrl": base})
    head = f'<script id="jupyter-config-data" type="application/json">{config}</script>'
    html = f"<html><body>{head if base else ''}{dashboard._panes(link)}</body></html>"
    asked: list[str] = []

    def answer(route: Route) -> None:
        if route.request.url == page_at:
            route.fulfill(body=html, content_type="text/html")
        else:
            asked.append(route.request.url)
            route.fulfill(json={"isActive": True})

    page = browser.new_page(viewport={"width": 1600, "height": 800})
    page.route("**/*", answer)
    page.add_init_script(
        "window.clicks = []; document.addEventListener('click', (event) => "
        "window.clicks.push(event.target.dataset.commandlinkerCommand));"
    )
    page.goto(page_at)
    page.wait_for_timeout(300)
    assert page.locator("a").get_attribute("href") == f"{leads_to}status"
    args = page.locator("span").first.get_attribute("data-commandlinker-args")
    assert json.loads(args or "") == {"url": leads_to}
    if asks is not None:
        page.wait_for_function("window.clicks.includes('dask:launch-layout')")
        assert [url for url in asked if url.endswith(asks)]
        assert page.evaluate("window.clicks[0]") == "dask:populate-dashboard-url"
    page.close()
