"""Attaches five megabytes, and a picture that is a script."""

import base64

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

SCRIPT = b'<svg xmlns="http://www.w3.org/2000/svg"><script>window.hostile = 1</script></svg>'


def change(notebook: NotebookNode) -> None:
    notebook.cells.append(
        new_markdown_cell(
            "![large](attachment:large.png) ![script](attachment:script.svg)",
            attachments={
                "large.png": {"image/png": "A" * 5_000_000},
                "script.svg": {"image/svg+xml": base64.b64encode(SCRIPT).decode()},
                "../../../etc/passwd": {"text/plain": "root"},
            },
        )
    )
