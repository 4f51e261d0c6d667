"""Limit how much of a kernel's output is kept, and ignore malformed messages."""

import json
from contextlib import suppress
from typing import Any

from nbformat import ValidationError

__all__ = ["NOTE", "CappedOutput"]

_SHOWS = {"stream", "display_data", "execute_result", "error", "update_display_data"}

_MALFORMED = (
    AttributeError, LookupError, TypeError, ValueError, RecursionError, ValidationError,
)  # fmt: skip
"""Exceptions of nbclient and nbformat on malformed messages."""

_SMALL = 10_000
"""Bytes of an output that is always kept, one of each kind per cell."""

_MOST_DEPTH = 100
"""Nesting depth of an output. Beyond some 200 levels, evidence could be written but not read again;
a page of charts has about twenty."""

NOTE = "\n[The rest of the notebook's output was left out: it exceeds the limit.]\n"


class CappedOutput:
    """A mixin for notebook clients that caps the output they keep.

    Put it before `nbclient.NotebookClient` among a class's bases. Messages that are not Jupyter's
    are ignored.
    """

    room: int
    """Remaining bytes of output for the whole notebook."""

    keeps_widgets = True

    log: Any

    _display_id_map: dict[str, dict[int, list[int]]]

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Keep an output, or a note that it exceeds the limit; see nbclient."""
        try:
            kind = str(msg["msg_type"])
            if kind.startswith("comm") and not self.keeps_widgets:
                return None
            if kind in _SHOWS or kind.startswith("comm"):
                cost = self._cost(kind, msg["content"])
                cost += sum(memoryview(each).nbytes for each in msg.get("buffers", ()))
                if not self._decides(kind, msg["content"], cost, cell):
                    if self.room <= 0:
                        return None
                    self.room -= cost
                    if self.room <= 0:
                        msg = _note(msg)
            elif kind not in ("status", "execute_input", "clear_output"):
                return None
            return super().process_message(msg, cell, cell_index)  # type: ignore[misc]
        except _MALFORMED as error:
            self.log.debug("A kernel's message was ignored: %r", error)
            return None

    async def _async_poll_kernel_alive(self) -> None:
        # One that outlives its cell, whose run a message broke, finds nothing to cancel once the
        # kernel is gone, and asyncio would write a traceback into the instructor's log.
        with suppress(AssertionError):
            await super()._async_poll_kernel_alive()  # type: ignore[misc]

    def _decides(self, kind: str, content: dict[str, Any], cost: int, cell: Any) -> bool:
        """Tell whether nbgrader uses an output for marking, so that it must be kept.

        nbgrader reads a number returned by a grade cell as its points, and any stderr as a failure;
        a cell without either gets full points.
        """
        known = [o for o in cell.outputs if o.output_type == kind and o.get("name") != "stdout"]
        return (
            (kind == "execute_result" or (kind == "stream" and content.get("name") == "stderr"))
            and cost <= _SMALL
            and not known
        )

    def _cost(self, kind: str, content: dict[str, Any]) -> int:
        if _is_deeper(content, _MOST_DEPTH):
            raise ValueError("an output of too many levels")
        # A text that UTF-8 has no bytes for could not be written to any file.
        size = len(json.dumps(content, ensure_ascii=False, default=str).encode())
        if kind != "update_display_data":
            return size
        # It goes wherever that display stands.
        places = self._display_id_map.get(content["transient"]["display_id"], {})
        return size * max(1, sum(len(each) for each in places.values()))


def _is_deeper(value: Any, most: int) -> bool:
    """Tell whether lists and objects are nested more than ``most`` levels deep."""
    level = [value]
    for _ in range(most + 1):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True


def _note(msg: Any) -> Any:
    content = {"name": "stdout", "text": NOTE}
    header = {**msg.get("header", {}), "msg_type": "stream"}
    return {**msg, "msg_type": "stream", "header": header, "content": content}
