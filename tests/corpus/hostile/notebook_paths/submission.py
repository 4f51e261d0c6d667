"""Names files outside wherever a name can stand: kernel, cells, metadata."""

from nbformat import NotebookNode


def change(notebook: NotebookNode) -> None:
    notebook.metadata["kernelspec"] = {
        "name": "../../../../tmp/evil",
        "display_name": "../evil",
        "language": "python",
    }
    notebook.metadata["title"] = "../../../gradebook"
    notebook.metadata["nbgrader"] = {"db_url": "sqlite:////tmp/other.db"}
    for cell in notebook.cells:
        cell.metadata["name"] = "../../../../etc/passwd"
        cell.metadata["tags"] = ["../../x", "raises-exception", "remove-cell"]
