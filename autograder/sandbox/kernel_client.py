"""A client that detects a ready kernel by the answer to its own request.

Jupyter's own client waits, after the reply, until the kernel has published nothing for 0.2 s. That
costs every box 0.2 s, and never ends with a kernel that publishes all the time.
"""

import time
from collections.abc import Mapping
from queue import Empty
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient

__all__ = ["PromptKernelClient"]

_WAITING = 32
"""Outputs of a kernel that may wait to be read; Jupyter's own limit is 1000, in the kernel."""

_REPLY_SECONDS = 1.0
"""Timeout of one request; then it is repeated, as in Jupyter."""
_PUBLISHED_SECONDS = 0.2
"""Timeout for what a kernel publishes before and after its reply, if the channel is connected."""


class PromptKernelClient(AsyncKernelClient):
    """A client that asks a kernel once, and is ready when the whole answer has arrived."""

    def connect_iopub(self, identity: bytes | None = None) -> Any:
        """Connect to the channel of the outputs, on which most messages come."""
        usual = self.context.getsockopt(zmq.RCVHWM)
        self.context.setsockopt(zmq.RCVHWM, _WAITING)
        try:
            return super().connect_iopub(identity)
        finally:
            self.context.setsockopt(zmq.RCVHWM, usual)

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel replies, and what it publishes is received.

        Parameters
        ----------
        timeout : float, optional
            Seconds; without, as long as the kernel lives.

        Raises
        ------
        RuntimeError
            If it does not reply in that time, or ends.
        """
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            self.kernel_info()
            try:
                reply = await self.shell_channel.get_msg(timeout=_REPLY_SECONDS)
                if _kind(reply) == "kernel_info_reply" and await self._is_idle(reply, until):
                    self._handle_kernel_info_reply(reply)
                    return
            except Empty:
                pass
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > until:
                raise RuntimeError(f"Kernel didn't respond in {timeout:.0f} seconds")

    async def _is_idle(self, reply: Mapping[str, Any], until: float) -> bool:
        """Read what is published up to the end of a request; False if none of it comes in time.

        A late subscriber misses earlier messages.
        """
        asked = reply["parent_header"].get("msg_id")
        while time.monotonic() <= until:
            said = await self.iopub_channel.get_msg(timeout=_PUBLISHED_SECONDS)
            idle = _kind(said) == "status" and said["content"].get("execution_state") == "idle"
            if idle and said["parent_header"].get("msg_id") == asked:
                return True
        return False


def _kind(message: Mapping[str, Any]) -> Any:
    return message["header"].get("msg_type")
