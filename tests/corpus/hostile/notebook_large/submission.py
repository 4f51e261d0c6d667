"""Is an honest notebook with 19 MB of pictures in it and a cell of 5,000 lines."""

import base64
import random

import nbformat


def change(notebook: nbformat.NotebookNode) -> None:
    noise = random.Random(1)
    pictures = [b"\x89PNG\r\n\x1a\n" + noise.randbytes(1_400_000) for _ in range(10)]
    outputs = [
        nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(each).decode()})
        for each in pictures
    ]
    table = "\n".join(f"    ({i}, {i * i})," for i in range(5_000))
    source = f"SQUARES = [\n{table}\n]\nassert len(SQUARES) == 5_000"
    notebook.cells.append(nbformat.v4.new_code_cell(source, outputs=outputs, id="large"))
