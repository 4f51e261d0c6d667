"""The door to a kernel: what is too long stays outside, and all else comes through."""

import json
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from autograder.sandbox.kernel import _unpack
from autograder.sandbox.message_limit import Counter, Door

MOST = 1 << 20


@pytest.fixture
def folder() -> Iterator[Path]:
    # pytest's own folders have names that are too long for a socket's.
    with TemporaryDirectory(prefix="d-") as place:
        inside = Path(place, "box")
        inside.mkdir()
        yield inside


@pytest.fixture
def door(folder: Path) -> Iterator[Door]:
    opened = Door(folder, ["kernel-1"], MOST)
    yield opened
    opened.close()
    assert not opened.folder.exists()


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    made: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    yield made
    made.destroy(linger=0)


def heard(client: zmq.Socket[bytes], seconds: float = 10.0) -> list[bytes] | None:
    return client.recv_multipart() if client.poll(int(seconds * 1000)) else None


def test_messages_pass_both_ways_whoever_comes_first(
    door: Door, folder: Path, context: zmq.Context[zmq.Socket[bytes]]
) -> None:
    client = context.socket(zmq.DEALER)
    client.connect(f"ipc://{door.folder / 'kernel-1'}")
    client.send_multipart([b"", b"hello"])
    time.sleep(0.1)
    kernel = context.socket(zmq.ROUTER)
    kernel.bind(f"ipc://{folder / 'kernel-1'}")
    name, *said = kernel.recv_multipart()
    assert said == [b"", b"hello"]
    longest = [b"x" * (MOST // 2 - 1_000)] * 2
    for message in ([b""], [b"a", b"", b"b" * 300], longest, [b"last"]):
        kernel.send_multipart([name, *message])
        assert heard(client) == message


@pytest.mark.parametrize("frames", [[b"x" * 65_536] * 17, [b""] * 6_000, [b"x" * (MOST + 1)]])
def test_a_message_that_is_too_long_is_dropped_and_the_next_one_comes(
    frames: list[bytes], door: Door, folder: Path, context: zmq.Context[zmq.Socket[bytes]]
) -> None:
    kernel = context.socket(zmq.PUB)
    kernel.bind(f"ipc://{folder / 'kernel-1'}")
    client = context.socket(zmq.SUB)
    client.subscribe(b"")
    client.connect(f"ipc://{door.folder / 'kernel-1'}")
    until = time.monotonic() + 20
    while heard(client, 0.05) is None and time.monotonic() < until:
        kernel.send(b"first")
    kernel.send_multipart(frames)
    got = None
    while got != [b"after"] and time.monotonic() < until:
        kernel.send(b"after")
        got = heard(client, 0.05)
        assert got in (None, [b"first"], [b"after"])
    assert got == [b"after"]


def test_a_link_to_another_programs_socket_is_not_followed(door: Door, folder: Path) -> None:
    other = folder.with_name("other")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(other))
        server.listen()
        server.settimeout(0.5)
        os.symlink(other, folder / "kernel-1")
        client.connect(str(door.folder / "kernel-1"))
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_door_is_closed_in_silence_whoever_still_waits_at_it(
    folder: Path,
    context: zmq.Context[zmq.Socket[bytes]],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    door = Door(folder, ["kernel-1", "kernel-2"], MOST)
    kernel = context.socket(zmq.ROUTER)
    kernel.bind(f"ipc://{folder / 'kernel-1'}")
    clients = [context.socket(zmq.DEALER) for _ in range(2)]
    for number, client in enumerate(clients, 1):
        client.connect(f"ipc://{door.folder / f'kernel-{number}'}")
        client.send(b"hello")
    assert kernel.recv_multipart()[1:] == [b"hello"]
    door.close()
    assert caplog.records == [] and capfd.readouterr().err == ""
    for client in clients:
        client.close(linger=0)


GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(48)


def frame(size: int, flags: int = 0) -> bytes:
    long = size > 255
    head = struct.pack(">BQ", flags | 2, size) if long else struct.pack("BB", flags, size)
    return head + bytes(size)


@given(st.lists(st.integers(1, 700), max_size=20), st.booleans())
def test_it_counts_alike_however_the_bytes_come(sizes: list[int], within: bool) -> None:
    parts = b"".join(frame(300, flags=1) for _ in range(3 if within else 8)) + frame(10)
    sent = GREETING + frame(30, flags=4) + (frame(1_000) + frame(5)) * 5 + parts + frame(5)
    counter, allowed = Counter(4_000), True
    for size in [*sizes, len(sent)]:
        allowed = allowed and counter.allows(sent[:size])
        sent = sent[size:]
    assert allowed is within


@pytest.mark.parametrize("sent", [b"\x01\x00", b"\xff" + bytes(8) + b"\x7f\x01", b"\xff\x00\x00"])
def test_only_the_protocol_that_is_counted_is_let_through(sent: bytes) -> None:
    modern = sent == b"\xff\x00\x00"
    assert Counter(4_000).allows(sent) is modern


def test_a_frame_that_is_said_to_have_any_size_is_not_waited_for() -> None:
    assert not Counter(4_000).allows(GREETING + b"\x02" + b"\xff" * 8)
    assert not Counter(4_000).allows(GREETING + b"\x06" + b"\xff" * 8)


def test_json_of_too_many_containers_is_taken_for_empty() -> None:
    text = json.dumps({"text": '[{"' * 5_000 + "\\" * 99})
    assert _unpack(text.encode(), 10) == json.loads(text)
    assert _unpack(json.dumps({"data": [[]] * 8}).encode(), 10) == {"data": [[]] * 8}
    assert _unpack(json.dumps({"data": [[]] * 11}).encode(), 10) == {}
    begun = time.process_time()
    with pytest.raises(ValueError, match="Unterminated"):
        _unpack(b'"' + b'\\"' * 1_000_000 + b"{" * 11, 10)
    assert time.process_time() - begun < 5
