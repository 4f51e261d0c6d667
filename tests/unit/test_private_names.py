"""A canary: names that the kit takes from other packages without their promise to keep them.

When an upgrade takes one away or changes its parameters, the test of its row says which package
and version did, and which module of ours leans on it. Two more tests find every private name that
the code uses and miss those that have no row, and rows that nothing uses any more.
"""

import ast
import asyncio
import importlib
import importlib.metadata
import inspect
import platform
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Name:
    """One name of another package."""

    package: str
    """Distribution, or ``python``."""
    owner: str
    """``module``, or ``module:Class``."""
    name: str
    ours: tuple[str, ...]
    """Our modules that use it."""
    why: str
    passes: tuple[str, ...] = ()
    """Parameters that we pass or override, in their order."""
    says: str = ""
    """A piece of the owner's source that has to be there: what it does with the name."""


_BRIDGE, _BOX, _SEEN = "autograder/nbgrader_bridge/", "autograder/sandbox/", "autograder/evidence/"
_AUTOGRADE = "nbgrader.converters.autograde:Autograde"
_CONVERTER = "nbgrader.converters.base:BaseConverter"
_API = "nbgrader.server_extensions.formgrader.apihandlers"
_ASSIGNMENT = ("assignment_id", "student_id")

_READ_AND_BATCH = (_BRIDGE + "read_submission.py", _BRIDGE + "batch.py")

NAMES = [
    # ------------------------------------------------------------------------------ nbgrader
    Name("nbgrader", _AUTOGRADE, "_sanitizing", (_BRIDGE + "read_submission.py",),
         "tells the first pass over a submission from the second",
         says="self._sanitizing = False"),
    Name("nbgrader", _AUTOGRADE, "_init_preprocessors", (_BRIDGE + "handed_in.py",),
         "registers the steps of the first pass", says="self.sanitize_preprocessors"),
    Name("nbgrader", _CONVERTER, "init_notebooks", (_BRIDGE + "handed_in.py",),
         "finds what was handed in"),
    Name("nbgrader", _CONVERTER, "_format_source", (*_READ_AND_BATCH, _BRIDGE + "handed_in.py"),
         "finds the folder that a student handed in", _ASSIGNMENT),
    Name("nbgrader", _CONVERTER, "_format_dest", _READ_AND_BATCH,
         "finds the folder of graded notebooks", _ASSIGNMENT),
    Name("nbgrader", "nbgrader.apps.zipcollectapp:ZipCollectApp", "_format_collect_path",
         (_BRIDGE + "lms_archive.py",), "finds the files that came out of archives",
         ("collect_step",)),
    Name("distributed", "distributed.utils", "_get_ip", (_BOX + "landlock_inside.py",),
         "is replaced where a box has no datagram socket to ask for this machine's address",
         ("host", "port", "family")),
    Name("nbgrader", _CONVERTER, "init_assignment", (_BRIDGE + "read_submission.py",),
         "is replaced, to refuse links and pipes before they are copied", _ASSIGNMENT),
    Name("nbgrader", _CONVERTER, "init_destination", (_BRIDGE + "batch.py",),
         "is replaced, to keep what was graded before until the new is whole", _ASSIGNMENT),
    Name("nbgrader", _CONVERTER, "convert_notebooks", (_BRIDGE + "batch.py",),
         "is replaced, to check a batch before anything is touched"),
    Name("nbgrader", _CONVERTER, "set_permissions", (_BRIDGE + "read_submission.py",),
         "is replaced, to note that all notebooks are graded", _ASSIGNMENT),
    Name("nbgrader", _CONVERTER, "init_single_notebook_resources",
         (_BRIDGE + "read_submission.py",),
         "names student and notebook of what is refused", ("notebook_filename",)),
    Name("nbgrader", _CONVERTER, "assignments", (_BRIDGE + "execute.py",),
         "says how many submissions the batch has"),
    Name("nbgrader", "nbgrader.preprocessors:SaveAutoGrades", "_add_score",
         (_BRIDGE + "gradebook_writer.py",), "is overridden: the pipeline gives the points",
         ("cell", "resources")),
    Name("nbgrader", "nbgrader.preprocessors:SaveAutoGrades", "preprocess_cell",
         (_BRIDGE + "gradebook_writer.py",), "calls what is overridden", ("cell", "resources"),
         says="self._add_score(cell, resources)"),
    Name("nbgrader", f"{_API}:AutogradeHandler", "post", (_BRIDGE + "formgrader.py",),
         "is overridden: grading goes to a process", _ASSIGNMENT),
    Name("nbgrader", _API, "default_handlers", (_BRIDGE + "formgrader.py",),
         "has the address that our handler goes in front of",
         says='(r"/formgrader/api/submission/([^/]+)/([^/]+)/autograde", AutogradeHandler)'),
    Name("nbgrader", "nbgrader.server_extensions.formgrader.base", "check_notebook_dir",
         (_BRIDGE + "formgrader.py",), "guards our handler like theirs"),
    Name("nbgrader", "nbgrader.server_extensions.formgrader.base", "check_xsrf",
         (_BRIDGE + "formgrader.py",), "guards our handler like theirs"),
    # -------------------------------------------------------------------- Jupyter and IPython
    Name("nbclient", "nbclient.client:NotebookClient", "_cleanup_kernel",
         (_BRIDGE + "execute.py", _BOX + "running_box.py", _SEEN + "in_kernel.py"),
         "shuts down a kernel that nbclient was given"),
    Name("nbclient", "nbclient.client:NotebookClient", "_async_poll_kernel_alive",
         (_BOX + "output_limit.py",), "is overridden, to be silent once the kernel is gone"),
    Name("nbclient", "nbclient.client:NotebookClient", "_display_id_map",
         (_BOX + "output_limit.py",), "counts how often an update of a display is kept",
         says="self._display_id_map[display_id].items()"),
    Name("nbclient", "nbclient.client:NotebookClient", "process_message",
         (_BOX + "output_limit.py",), "is overridden, to keep what there is room for",
         ("msg", "cell", "cell_index")),
    Name("jupyter_client", "jupyter_client.manager:KernelManager", "_kernel_spec",
         (_BOX + "kernel.py", _SEEN + "in_kernel.py"),
         "is set, to start this environment's Python whatever kernels are installed",
         says="return self._kernel_spec"),
    Name("jupyter_client", "jupyter_client.client:KernelClient", "_handle_kernel_info_reply",
         (_BOX + "kernel_client.py",), "takes notice of a kernel's protocol", ("msg",)),
    Name("nbconvert", "nbconvert.exporters.exporter:Exporter", "_preprocess",
         (_BRIDGE + "html_exporter.py",),
         "is overridden, to arrange what all steps have made", ("nb", "resources")),
    Name("nbconvert", "nbconvert.filters.ansi", "_ansi2anything", ("autograder/report/ansi.py",),
         "colours text that is escaped already", ("text", "converter")),
    Name("nbconvert", "nbconvert.filters.ansi", "_htmlconverter", ("autograder/report/ansi.py",),
         "makes the tags of a colour", ("fg", "bg", "bold", "underline", "inverse")),
    Name("jupyter_client", "jupyter_client.connect:ConnectionFileMixin", "_make_url",
         (_BOX + "kernel.py",), "is overridden, to go through the door", ("channel",)),
    Name("jupyter_client", "jupyter_client.provisioning.local_provisioner:LocalProvisioner",
         "process", (_BOX + "kernel.py",), "is the box's outermost process"),
    Name("ipython", "IPython.core.compilerop:CachingCompiler", "format_code_name",
         (_SEEN + "driver.py",), "names the cell of a line in a traceback", ("name",)),
    Name("ipython", "IPython.core.history:HistoryManager", "input_hist_raw",
         ("autograder/student/notebook.py",), "says which cells ran since the last check"),
    Name("ipython", "IPython.core.interactiveshell:InteractiveShell", "showtraceback",
         ("autograder/errors.py",), "shows errors of check() in their own words",
         says="_render_traceback_()"),
    Name("ipykernel", "ipykernel.kernelbase:Kernel", "get_parent",
         ("autograder/student/notebook.py",), "has the code of the cell that runs"),
    # -------------------------------------------------------------------- distributed, tornado
    Name("distributed", "distributed.client", "_global_clients", (_SEEN + "driver.py",),
         "finds a client of another cluster that the notebook has", says="_global_clients[k]"),
    Name("distributed", "distributed.client", "_global_client_index", (_SEEN + "driver.py",),
         "counts the clients made so far", says="_global_client_index = [0]"),
    Name("distributed", "distributed.utils", "_forkserver_preload_set", ("cluster/serve.py",),
         "is set, to keep imports out of the scheduler", says="not _forkserver_preload_set"),
    Name("distributed", "distributed.deploy.spec:SpecCluster", "_correct_state",
         ("cluster/batch.py", "autograder/farm/places.py"),
         "submits jobs, and says when the batch system refuses them",
         says="self.sync(self._correct_state)"),
    Name("distributed", "distributed.deploy.spec:SpecCluster", "new_worker_spec",
         ("cluster/batch.py", "autograder/farm/places.py"),
         "describes the job of one more worker"),
    Name("distributed", "distributed.worker:Worker", "scheduler_delay", (_SEEN + "one_clock.py",),
         "is replaced: on one machine times need no shift", says="start + self.scheduler_delay"),
    Name("distributed", "distributed.worker:Worker", "heartbeat", ("cluster/warm.py",),
         "logs a line that is left out when a cluster ends",
         says='"Failed to communicate with scheduler during heartbeat."'),
    Name("distributed", "distributed.scheduler:SchedulerState", "_transition_processing_memory",
         (_SEEN + "recorder.py",), "hands times and bytes of a task to plugins",
         ("nbytes", "worker", "startstops")),
    Name("distributed", "distributed.scheduler:Scheduler", "cumulative_worker_metrics",
         (_SEEN + "recorder.py",), "has CPU seconds by layer"),
    Name("distributed", "distributed.stealing:WorkStealing", "start", (_SEEN + "recorder.py",),
         "keeps the callback that says when tasks are next moved",
         says='self.scheduler.periodic_callbacks["stealing"] = pc'),
    Name("tornado", "tornado.ioloop:PeriodicCallback", "_next_timeout", (_SEEN + "recorder.py",),
         "says when tasks are next moved"),
    Name("tornado", "tornado.ioloop:PeriodicCallback", "io_loop", (_SEEN + "recorder.py",),
         "has the clock of that time"),
    Name("dask-jobqueue", "dask_jobqueue.core:Job", "job_script",
         ("autograder/author/jobscript.py",), "writes the script of a job without submitting it"),
    # ------------------------------------------------------------------------ Python and pytest
    Name("python", "multiprocessing.util", "spawnv_passfds", ("cluster/serve.py",),
         "is replaced for a moment, to fork the forkserver", ("path", "args", "passfds")),
    Name("python", "multiprocessing.forkserver:ForkServer", "ensure_running",
         ("cluster/serve.py",), "calls what is replaced, with the code to run as last argument",
         says="pid = util.spawnv_passfds(exe, args, fds_to_pass)"),
    Name("python", "uuid", "_node", (_BOX + "zygote_process.py",),
         "keeps the number of the network card that was asked for outside of the box"),
    Name("python", "platform", "_uname_cache", (_BOX + "zygote_process.py",),
         "keeps the machine's name"),
    Name("python", "platform", "_platform_cache", (_BOX + "zygote_process.py",),
         "keeps what the machine is called in full"),
    Name("dask", "dask.config", "paths", (_BOX + "zygote_process.py",),
         "is where configuration is read from, and was worked out outside of the box"),
    Name("dask", "dask.system", "CPU_COUNT", (_BOX + "zygote_process.py",),
         "was worked out outside of the box", says="CPU_COUNT = cpu_count()"),
    Name("distributed", "distributed.system", "MEMORY_LIMIT", (_BOX + "zygote_process.py",),
         "was worked out outside of the box", says="MEMORY_LIMIT = memory_limit()"),
    Name("pytest", "_pytest.terminal:TerminalReporter", "_session",
         ("autograder/student/pytest_plugin.py",), "has the tests of this run"),
]  # fmt: skip

OURS_IN = {
    "preprocess_cell": "_add_score",
    "default_handlers": "_ADDRESS",
    "showtraceback": "_render_traceback_",
    "_transition_processing_memory": "startstops",
}
"""How our module shows that it uses a name, where it does not name it itself."""


# ------------------------------------------------------------------------ what a row asks for


def version(package: str) -> str:
    return platform.python_version() if package == "python" else importlib.metadata.version(package)


def owner_of(row: Name) -> Any:
    module, _, path = row.owner.partition(":")
    found = importlib.import_module(module)
    for part in filter(None, path.split(".")):
        found = getattr(found, part)
    return found


def trouble(row: Name) -> str:
    """Return what is wrong with a name, and whom it concerns; nothing if it is as we need it."""
    who = (
        f"{row.package} {version(row.package)}: {row.owner} {{}} {row.name}, which "
        f"{', '.join(row.ours)} needs: it {row.why}."
    )
    try:
        owner = owner_of(row)
        source = inspect.getsource(owner)
    except (ImportError, AttributeError) as error:
        return who.format("is gone, and with it") + f" ({error})"
    # Some are made in __init__ only.
    if not hasattr(owner, row.name) and not re.search(rf"\bself\.{row.name}\b.* = ", source):
        return who.format("has no more")
    if row.passes:
        known = [*inspect.signature(getattr(owner, row.name)).parameters]
        if [name for name in known if name in row.passes] != [*row.passes]:
            return who.format(f"takes {known} and not {[*row.passes]} in") + " Look at the call."
    if row.says not in source:
        return who.format(f'does not say "{row.says}" any more of')
    return ""


@pytest.mark.parametrize("row", NAMES, ids=lambda row: f"{row.package}-{row.name}")
def test_the_name_is_there_and_takes_what_we_pass(row):
    assert not trouble(row), trouble(row)


KNOWN = next(row for row in NAMES if row.name == "_format_source")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "_format_sauce"}, "has no more _format_sauce"),
        ({"owner": "nbgrader.converters.base:OldConverter"}, "is gone"),
        ({"owner": "nbgrader.no_such_module"}, "is gone"),
        ({"passes": ("assignment_id", "student")}, "takes ['self', 'assignment_id'"),
        ({"passes": ("student_id", "assignment_id")}, "takes ['self', 'assignment_id'"),
        ({"says": "def format_source_privately"}, "does not say"),
    ],
)
def test_a_name_that_has_changed_is_reported_with_package_and_module(change, words):
    assert trouble(KNOWN) == ""
    told = trouble(replace(KNOWN, **change))
    assert told.startswith(f"nbgrader {version('nbgrader')}: ")
    assert words in told
    assert "autograder/nbgrader_bridge/read_submission.py" in told
    assert KNOWN.why in told


HANDLERS = {
    "gather": ("handlers", {"keys"}),
    "scatter": ("handlers", {"data", "broadcast"}),
    "update-graph": ("stream_handlers", {"expr_ser"}),
    "long-running": ("stream_handlers", {"key", "worker", "compute_duration"}),
}
"""Of a scheduler: what autograder/evidence/recorder.py wraps, and the parameters that it reads."""


def test_a_scheduler_has_the_handlers_that_the_recorder_wraps(tmp_path):
    from distributed import Scheduler

    async def parameters() -> dict[str, set[str]]:
        scheduler = Scheduler(dashboard=False, port=0, local_directory=str(tmp_path))
        found = {
            name: {*inspect.signature(getattr(scheduler, where)[name]).parameters}
            for name, (where, _) in HANDLERS.items()
            if name in getattr(scheduler, where)
        }
        await scheduler.close()
        return found

    found = asyncio.run(parameters())
    for name, (where, needed) in HANDLERS.items():
        assert needed <= found.get(name, set()), (
            f"distributed {version('distributed')}: Scheduler.{where}[{name!r}] has the parameters "
            f"{sorted(found.get(name, []))}; autograder/evidence/recorder.py reads {sorted(needed)}"
        )
    recorder = (ROOT / "autograder/evidence/recorder.py").read_text(encoding="utf-8")
    tapped = re.findall(r'_tap\(scheduler\.(\w+), "([\w-]+)"', recorder)
    assert {name: where for where, name in tapped} == {
        n: where for n, (where, _) in HANDLERS.items()
    }


def test_nbgrader_asks_what_we_replace_in_the_order_that_we_count_on():
    from nbgrader.converters.base import BaseConverter

    source = inspect.getsource(BaseConverter.convert_notebooks)
    calls = re.findall(r"self\.(\w+)\(", source)
    steps = ["init_destination", "init_assignment", "convert_single_notebook", "set_permissions"]
    assert [name for name in calls if name in steps] == steps, (
        f"nbgrader {version('nbgrader')} converts in another order; see SubmissionExporter in "
        "autograder/nbgrader_bridge/read_submission.py"
    )


# --------------------------------------------------------------------------- what the code uses

PROMISED = {"_replace", "_asdict", "_fields", "_make", "_exit"}
"""Of named tuples and of os: private only by their looks."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__") and name not in PROMISED


def classes(tree: ast.AST) -> list[ast.ClassDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def of_itself(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def defined(tree: ast.AST) -> set[str]:
    """Private names that the classes and functions of a module define themselves."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found |= {node.attr} if of_itself(node) else set()
    for each in classes(tree):
        for line in each.body:
            if isinstance(line, ast.Assign):
                found |= {target.id for target in line.targets if isinstance(target, ast.Name)}
            elif isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                # An annotation alone may be of what another base brings.
                own = line.value is not None or each.decorator_list or used_as_store(each, line)
                found |= {line.target.id} if own else set()
    return {name for name in found if is_private(name)}


def used_as_store(each: ast.ClassDef, line: ast.AnnAssign) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(line.target, ast.Name)
        and node.attr == line.target.id
        for node in ast.walk(each)
    )


def foreign(source: str) -> set[str]:
    """Private names that a module takes from elsewhere: attributes, imports, and by text."""
    tree = ast.parse(source)
    own = defined(tree)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            of_a_base = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "super"
            found |= {node.attr} if of_a_base or node.attr not in own else set()
        elif isinstance(node, ast.ImportFrom):
            path = (node.module or "").split(".")
            found |= {alias.name for alias in node.names} | {*path}
        elif isinstance(node, ast.Import):
            found |= {part for alias in node.names for part in alias.name.split(".")}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr"):
            named = node.args[1]
            if isinstance(named, ast.Constant) and named.value not in own:
                found.add(named.value)
    return {name for name in found if is_private(name)}


def overridden(path: Path) -> set[str]:
    """Private names that classes of a module define over those of another package's class."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.bases and defined(node):
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            found |= over_foreign(getattr(module, node.name), defined(node))
    return found


def over_foreign(kind: type, names: set[str]) -> set[str]:
    ours = ("autograder", "cluster", "builtins")
    bases = [base for base in kind.__mro__ if base.__module__.split(".")[0] not in ours]
    return {name for name in names if any(name in vars(base) for base in bases if base is not kind)}


@cache
def modules() -> tuple[Path, ...]:
    return tuple(sorted([*ROOT.glob("autograder/**/*.py"), *ROOT.glob("cluster/**/*.py")]))


def rows_of(path: Path) -> set[str]:
    return {row.name for row in NAMES if str(path.relative_to(ROOT)) in row.ours}


def test_every_private_name_that_the_code_uses_has_a_row():
    missing = {
        str(path.relative_to(ROOT)): names
        for path in modules()
        if (names := (foreign(path.read_text(encoding="utf-8")) | overridden(path)) - rows_of(path))
    }
    assert missing == {}, "private names of other packages without a row in NAMES"


def test_every_row_is_used_where_it_says():
    for row in NAMES:
        for name in row.ours:
            source = (ROOT / name).read_text(encoding="utf-8")
            wanted = OURS_IN.get(row.name, row.name.split(".")[-1])
            shown = wanted in source or (row.says and row.says.strip('"') in source)
            assert shown, f"{name} does not use {row.name} any more: its row can go"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("manager._spec = None", "_spec"),
        ("print(nbgrader.utils._secret)", "_secret"),
        ("class A(B):\n    def f(self):\n        return self._of_b", "_of_b"),
        ("class A(B):\n    async def _f(self):\n        await super()._f()", "_f"),
        ("class A:\n    _map: dict\n    def f(self):\n        return self._map", "_map"),
        ("from pytest import _private", "_private"),
        ("import _pytest.terminal", "_pytest"),
        ("getattr(reporter, '_session', None)", "_session"),
        ("setattr(self, '_spec', 1)", "_spec"),
    ],
)
def test_a_name_without_a_row_is_seen(source, name):
    assert foreign(source) == {name}


@pytest.mark.parametrize(
    "source",
    [
        "class A:\n    def f(self):\n        self._x = 1\n    def g(self):\n        return self._x",
        "class A:\n    _x = 1\n    def f(self, other):\n        return other._x",
        "class A:\n    _x: int\n    def f(self):\n        self._x = 1",
        "@dataclass\nclass A:\n    _x: int\ndef f(a):\n    return a._x",
        "def _f(): ...\n_f()",
        "night._replace(hours=1)",
        "os._exit(1)",
        "self.__exit__()",
        "from collections import abc",
    ],
)
def test_what_is_our_own_or_promised_needs_no_row(source):
    assert foreign(source) == set()


def test_what_a_class_overrides_is_seen():
    from http.server import BaseHTTPRequestHandler

    class Ours(BaseHTTPRequestHandler):
        def _headers_of(self) -> None: ...

    assert over_foreign(Ours, {"log_message", "_headers_of"}) == {"log_message"}
