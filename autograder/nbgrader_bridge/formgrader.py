"""A non-blocking Autograde button for the formgrader: a Jupyter server extension.

nbgrader's own handler grades inside the web server's event loop: until the submission is done, the
server answers no other page, notebook or kernel. This handler makes the same call in a separate
process, one request after another, and returns its result. Courses that do not use the kit are
graded as before, but in that process.

    python -m autograder.nbgrader_bridge.formgrader ASSIGNMENT STUDENT

is the process: nbgrader's interface for programs, in the course whose folder it is started in, and
the result as JSON on the standard output.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["load"]

_ADDRESS = r"/formgrader/api/submission/([^/]+)/([^/]+)/autograde"
"""As in ``nbgrader.server_extensions.formgrader.apihandlers``."""


def load(server: Any) -> None:
    """Put our handler in front of nbgrader's; called by Jupyter's server."""
    from jupyter_server.utils import url_path_join
    from nbgrader.server_extensions.formgrader.apihandlers import AutogradeHandler
    from nbgrader.server_extensions.formgrader.base import check_notebook_dir, check_xsrf
    from tornado import web

    from autograder.nbgrader_bridge.timestamps import forgive_everywhere

    forgive_everywhere()
    turn = asyncio.Lock()

    class InAProcess(AutogradeHandler):
        @web.authenticated
        @check_xsrf  # type: ignore[untyped-decorator]
        @check_notebook_dir  # type: ignore[untyped-decorator]
        async def post(self, assignment: str, student: str) -> None:
            async with turn:
                self.write(json.dumps(await _grade(self.coursedir.root, assignment, student)))

    # What was added first is asked first, and extensions are loaded in order of their names.
    address = url_path_join(server.web_app.settings["base_url"], _ADDRESS)
    server.web_app.add_handlers(".*$", [(address, InAProcess)])


async def _grade(root: str, assignment: str, student: str) -> dict[str, Any]:
    # What the process logs goes where the server's own log goes, line by line.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "autograder.nbgrader_bridge.formgrader", assignment, student),
        cwd=root,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        said, _ = await process.communicate()
    finally:
        # The server is shut down.
        if process.returncode is None:
            process.kill()
    try:
        return dict(json.loads(said))
    except ValueError:
        return {
            "success": False,
            "error": f"Grading failed (exit status {process.returncode}); see the server log.",
        }


def main() -> None:
    """Grade one submission as nbgrader's API does, and print what it returns."""
    from nbgrader.apps import AutogradeApp, NbGraderAPI

    from autograder.nbgrader_bridge.guard import guard

    assignment, student = sys.argv[1:]
    # The application knows where Jupyter and nbgrader have their settings. They may name another
    # course, while the server was told on its command line which one it shows.
    app = AutogradeApp()
    app.initialize([f"--CourseDirectory.root={Path.cwd()}"])
    guard(app.config)
    said = NbGraderAPI(config=app.config, parent=app).autograde(assignment, student)
    print(json.dumps(said))


_load_jupyter_server_extension = load


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "autograder.nbgrader_bridge.formgrader"}]


if __name__ == "__main__":
    main()
