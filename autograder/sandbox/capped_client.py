"""A notebook client that keeps little, and hears what a kernel says of its end."""

import asyncio
from collections.abc import Mapping
from typing import Any

from nbclient import NotebookClient

from autograder.sandbox.output_limit import CappedOutput

__all__ = ["CappedClient", "asks_to_end", "succeeded"]


class CappedClient(CappedOutput, NotebookClient):
    """A notebook client that limits the output it keeps."""

    keeps_widgets = False
    asked_to_end = False
    """Whether the last cell requested the end of the kernel, as ``exit()`` does."""
    succeeded = False
    """Whether the kernel replied that the last cell raised nothing. What a hook of the notebook's
    raises afterwards is an error output, too, but none of the cell's."""

    def __init__(self, *args: Any, room: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.room = room
        self.on_cell_executed = self._read_reply

    def hear_what_waits(self) -> None:
        """Read the errors of tasks that wait for messages: asyncio logs those that nobody read."""
        for name in ("task_poll_for_reply", "task_poll_output_msg"):
            task: asyncio.Future[Any] | None = getattr(self, name, None)
            if task is not None and task.done():
                _hear(task)
            elif task is not None:
                task.add_done_callback(_hear)

    def _read_reply(self, execute_reply: Any, **kwargs: Any) -> None:
        self.asked_to_end = asks_to_end(execute_reply)
        self.succeeded = succeeded(execute_reply)


def _hear(task: "asyncio.Future[Any]") -> None:
    if not task.cancelled():
        task.exception()


def asks_to_end(reply: Any) -> bool:
    """Tell whether a kernel's reply, which may be malformed, announces its end."""
    payload = _content(reply).get("payload")
    parts = payload if isinstance(payload, list) else []
    return any(isinstance(part, Mapping) and part.get("source") == "ask_exit" for part in parts)


def succeeded(reply: Any) -> bool:
    """Tell whether a kernel's reply, which may be malformed, says that a cell raised nothing."""
    return bool(_content(reply).get("status") == "ok")


def _content(reply: Any) -> Mapping[str, Any]:
    content = reply.get("content") if isinstance(reply, Mapping) else None
    return content if isinstance(content, Mapping) else {}
