"""The dashboard beside the notebook: its panes in JupyterLab, or a line with its address.

JupyterLab runs a command when a user clicks an element with ``data-commandlinker-command``
(``CommandLinker`` in ``@jupyterlab/apputils``), and dask-labextension has commands that take a
dashboard's address and open its default layout: task stream, memory of the workers, progress. The
layout opens only once the extension knows the dashboard, so the script below makes the same request
as the extension, and continues when it is answered. It opens the panes by itself only in a wide
enough window, and only while its output is new: a reopened notebook keeps its panes closed. The
button always opens them.

In a browser on another machine (a hub, a remote server) the dashboard's own address does not work.
The script then goes through Jupyter's server, by jupyter-server-proxy, which comes with the
extension.
"""

import html
import importlib.util
import json
import os
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import distributed

__all__ = ["mend_link", "watch"]

_LINK = "distributed.dashboard.link"
_DIRECT = "{scheme}://{host}:{port}/status"
"""Distributed's own template of a dashboard's link."""

_HUB = "JUPYTERHUB_SERVICE_PREFIX"
"""Environment variable with the path of a user's server on a JupyterHub."""

_NEW_SECONDS = 60
"""Maximum age of an output that counts as new, by the clocks of browser and kernel."""

_WIDE_PIXELS = 1400
"""Width of a window in which half of JupyterLab's main area still fits a line of code."""

_ANSWER_SECONDS = 3.0
"""Timeout after which a dashboard counts as missing. Chosen: a running one takes milliseconds, and
the notebook waits for it."""

_PANES = """\
<div id="{name}" style="font: 13px/1.6 system-ui, sans-serif">
<button type="button" class="jp-mod-styled jp-mod-accept">Watch the workers</button>
<a href="{link}" target="_blank" rel="noopener" style="margin-left: 10px">dashboard in a tab of \
its own</a>
<span data-commandlinker-command="dask:populate-dashboard-url" data-commandlinker-args="{args}" \
hidden></span>
<span data-commandlinker-command="dask:launch-layout" hidden></span>
</div>
<script>
(() => {{
  const config = document.getElementById("jupyter-config-data");
  const base = config && JSON.parse(config.textContent).baseUrl;
  const isHere = (host) => ["localhost", "127.0.0.1", "[::1]"].includes(host);
  const reachable = (url) => {{
    if (!base) return url;
    if (!/^https?:/.test(url)) return url.startsWith(base) ? url : base + url.replace(/^\\//, "");
    const {{hostname, port, pathname}} = new URL(url);
    const remote = isHere(hostname) && !isHere(location.hostname);
    return remote ? base + "proxy/" + port + pathname : url;
  }};
  const open = async (box) => {{
    const [address, layout] = box.querySelectorAll("span");
    if (!base) return;
    address.click();
    const url = JSON.parse(address.dataset.commandlinkerArgs).url;
    const isActive = () => /^https?:/.test(url)
      ? fetch(base + "dask/dashboard-check/" + encodeURIComponent(url))
        .then((got) => got.json()).then((answer) => answer.isActive)
      : fetch(url + "individual-plots.json").then((got) => got.ok);
    for (let tries = 0; tries < 20; tries++) {{
      const active = await isActive().catch(() => false);
      await new Promise((done) => setTimeout(done, 400));
      if (active) return layout.click();
    }}
  }};
  setTimeout(() => {{
    const box = document.getElementById("{name}");
    if (!box) return;
    const link = box.querySelector("a");
    link.href = reachable(link.getAttribute("href"));
    const data = box.querySelector("span").dataset;
    const {{url}} = JSON.parse(data.commandlinkerArgs);
    data.commandlinkerArgs = JSON.stringify({{url: reachable(url)}});
    box.querySelector("button").onclick = () => open(box);
    const isNew = Math.abs(Date.now() / 1000 - {now}) < {new};
    if (isNew && window.innerWidth >= {wide}) open(box);
  }}, 200);
}})();
</script>
"""


def watch(client: "distributed.Client") -> None:
    """Open the dashboard's task stream, progress and workers beside the notebook.

    Outside a notebook it prints the dashboard's address; for a cluster without a dashboard it
    prints nothing. Failures here do not stop a notebook.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster to watch.
    """
    link = _link(client)
    if link and _in_notebook():
        from IPython.display import display

        display({"text/html": _panes(link), "text/plain": _line(link)}, raw=True)
    elif link:
        print(_line(link))


def mend_link() -> str:
    """Repair Dask's links to dashboards, and report what was wrong.

    On a JupyterHub the browser is on another machine, and reaches this one through the user's
    server. A link template in Dask's configuration, set by administrators, may name variables that
    the environment lacks; Dask then raises a KeyError wherever a link is shown. Only this process's
    configuration is changed.

    Returns
    -------
    str
        A sentence, if a template could not be filled in; empty otherwise.
    """
    import dask
    import distributed  # noqa: F401  (brings the template)

    template = str(dask.config.get(_LINK))
    if template == _DIRECT:
        if os.environ.get(_HUB) and importlib.util.find_spec("jupyter_server_proxy"):
            dask.config.set({_LINK: f"{{{_HUB}}}proxy/{{port}}/status"})
        return ""
    try:
        template.format(**{**os.environ, "scheme": "http", "host": "127.0.0.1", "port": 8787})
    except (KeyError, IndexError, ValueError) as error:
        dask.config.set({_LINK: _DIRECT})
        return (
            f"Dask's setting {_LINK}, {template!r}, cannot be filled in ({error}), so that links "
            "to the dashboard have its address on the machine of the cluster."
        )
    return ""


def _line(link: str) -> str:
    return f"Watch the workers at {link}"


def _panes(link: str) -> str:
    args = json.dumps({"url": link.removesuffix("status")})
    now = time.time()
    return _PANES.format(
        name=f"dask-watch-{now:.6f}".replace(".", "-"),
        link=html.escape(link),
        args=html.escape(args),
        now=f"{now:.0f}",
        new=_NEW_SECONDS,
        wide=_WIDE_PIXELS,
    )


def _link(client: "distributed.Client") -> str:
    """Return the dashboard's address; empty if there is none or it is unknown."""
    try:
        link = str(client.dashboard_link or "")
        direct = link if link.startswith("http") else _direct(client)
        return link if not direct or _answers(direct) else ""
    except Exception:
        return ""


def _direct(client: "distributed.Client") -> str:
    """Return the address behind a link that goes through a proxy, if it is on this machine."""
    try:
        host = client.scheduler.address.partition("://")[2].partition(":")[0]
        port = client.scheduler_info(n_workers=0)["services"]["dashboard"]
    except (AttributeError, KeyError):
        return ""
    return _DIRECT.format(scheme="http", host=host, port=port) if host == "127.0.0.1" else ""


def _answers(link: str) -> bool:
    """Ask for the list of plots, as the extension does: a scheduler's port is always open."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    address = link.removesuffix("status") + "individual-plots.json"
    with opener.open(address, timeout=_ANSWER_SECONDS) as answer:
        return bool(answer.status == 200)


def _in_notebook() -> bool:
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")
