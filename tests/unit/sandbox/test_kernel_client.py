"""When a kernel counts as ready: against channels that say what a kernel could say."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
import zmq

from autograder.sandbox.kernel import BoxedKernelManager
from autograder.sandbox.kernel_client import PromptKernelClient
from autograder.sandbox.wall import Sandbox

Message = dict[str, Any]


def message(kind: str, asked: int, **content: Any) -> Message:
    return {
        "header": {"msg_type": kind},
        "parent_header": {"msg_id": str(asked)},
        "content": content,
    }


def reply(asked: int) -> Message:
    return message("kernel_info_reply", asked, status="ok", protocol_version="5.3")


def state(asked: int, name: str = "idle") -> Message:
    return message("status", asked, execution_state=name)


class Channel:
    """Says one thing after another; nothing for a time stands for `Empty`."""

    def __init__(self, *said: Message | None) -> None:
        self._said: Iterator[Message | None] = chain(said, repeat(None))

    def forever(self, said: Message) -> "Channel":
        self._said = repeat(said)
        return self

    async def get_msg(self, timeout: float) -> Message:
        await asyncio.sleep(0.001)
        said = next(self._said)
        if said is None:
            raise Empty
        return said


def wait(
    shell: Channel, published: Channel, *, timeout: float = 5.0, alive: bool = True
) -> list[int]:
    """Wait for a kernel; returns what it was asked."""
    asked: list[int] = []

    class Scripted(PromptKernelClient):
        shell_channel = shell  # type: ignore[assignment]
        iopub_channel = published  # type: ignore[assignment]

        def kernel_info(self, *_: Any, **__: Any) -> str:
            asked.append(len(asked) + 1)
            return str(asked[-1])

        async def is_alive(self) -> bool:
            return alive

    asyncio.run(Scripted().wait_for_ready(timeout=timeout))
    return asked


def test_ready_is_who_replies_and_says_that_it_is_done() -> None:
    assert wait(Channel(reply(1)), Channel(state(1, "busy"), state(1))) == [1]


def test_whose_publications_do_not_arrive_is_asked_again() -> None:
    """The subscription takes effect after the reply: then all that was published is missed."""
    published = Channel(None, state(2, "busy"), state(2))
    assert wait(Channel(reply(1), reply(2)), published) == [1, 2]


def test_a_slow_kernel_is_asked_again_and_any_of_its_replies_will_do() -> None:
    published = Channel(state(0, "starting"), state(1, "busy"), state(1))
    assert wait(Channel(None, reply(1)), published) == [1, 2]


@pytest.mark.parametrize(
    "said",
    [state(9), message("stream", 1, name="stdout", text="idle"), state(1, "busy")],
    ids=["of another request", "a word of the program's", "not done"],
)
def test_what_is_no_end_of_the_request_is_none(said: Message) -> None:
    with pytest.raises(RuntimeError, match="respond in 0"):
        wait(Channel(reply(1)), Channel(said), timeout=0.3)


@pytest.mark.parametrize("end", [lambda: Channel(reply(1)), Channel])
def test_a_flood_does_not_hold_the_grader_up(end: Callable[[], Channel]) -> None:
    flood = Channel().forever(message("stream", 1, name="stdout", text="."))
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="respond"):
        wait(end(), flood, timeout=0.3)
    assert time.monotonic() - began < 30  # and not for ever


def test_a_dead_kernel_is_not_waited_for() -> None:
    with pytest.raises(RuntimeError, match="died"):
        wait(Channel(), Channel(), alive=False)


def test_every_channel_holds_few_messages() -> None:
    """What waits to be read is the grader's memory, on channels that nobody reads as well."""
    with tempfile.TemporaryDirectory(prefix="k-") as short:
        place = Path(short, "box")
        place.mkdir()
        manager = BoxedKernelManager(Sandbox(), place, message_bytes=4 << 20)
        client = manager.client()
        try:
            sockets = {
                name: getattr(client, f"connect_{name}")()
                for name in ("shell", "iopub", "stdin", "control", "hb")
            }
            sockets["of the manager"] = manager.connect_control()
            held = {name: each.getsockopt(zmq.RCVHWM) for name, each in sockets.items()}
            assert {each.getsockopt(zmq.MAXMSGSIZE) for each in sockets.values()} == {4 << 20}
            assert sum(held.values()) * (4 << 20) < 250e6, held
            for each in sockets.values():
                each.close()
        finally:
            manager.close()
