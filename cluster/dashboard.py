"""The dashboard beside the notebook: its panes in JupyterLab, or a line that says where it is.

JupyterLab runs a command for whoever clicks an element with ``data-commandlinker-command``
(``CommandLinker`` in ``@jupyterlab/apputils``), and dask-labextension has commands that take a
dashboard's address and open its default layout: task stream, memory of the workers, progress.
The layout opens only once the extension knows the dashboard, so the script below asks the same
question as the extension does, and goes on when it is answered. It goes by itself only in a
window with room for both, and only while its output is new: a notebook that is opened again keeps
its panes closed. The button opens them always.
"""

import html
import json
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import distributed

__all__ = ["watch"]

_NEW_SECONDS = 60
"""By how much the clocks of browser and kernel may differ, for an output to count as new."""

_WIDE_PIXELS = 1400
"""Of a window in which half of JupyterLab's main area still holds a notebook's line of code."""

_ANSWER_SECONDS = 3.0
"""How long a dashboard may take to answer before it counts as none."""

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
  const open = async (box) => {{
    const [address, layout] = box.querySelectorAll("span");
    const config = document.getElementById("jupyter-config-data");
    if (!config) return;
    address.click();
    const check = JSON.parse(config.textContent).baseUrl + "dask/dashboard-check/"
      + encodeURIComponent(JSON.parse(address.dataset.commandlinkerArgs).url);
    for (let tries = 0; tries < 20; tries++) {{
      const answer = await fetch(check).then((got) => got.json()).catch(() => ({{}}));
      await new Promise((done) => setTimeout(done, 400));
      if (answer.isActive) return layout.click();
    }}
  }};
  setTimeout(() => {{
    const box = document.getElementById("{name}");
    if (!box) return;
    box.querySelector("button").onclick = () => open(box);
    const isNew = Math.abs(Date.now() / 1000 - {now}) < {new};
    if (isNew && window.innerWidth >= {wide}) open(box);
  }}, 200);
}})();
</script>
"""


def watch(client: "distributed.Client") -> None:
    """Open the dashboard's task stream, progress and workers beside the notebook.

    Outside a notebook it prints where the dashboard is; of a cluster without one it says
    nothing. Nothing that goes wrong here ends a notebook.

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
    """Return the dashboard's address; nothing if there is none or it cannot be told."""
    try:
        link = str(client.dashboard_link or "")
        return link if not link.startswith("http") or _answers(link) else ""
    except Exception:
        return ""


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
