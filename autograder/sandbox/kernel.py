"""Make Jupyter start a kernel inside a box.

Jupyter's kernel provisioners are made for this: a provisioner gets the kernel's command and starts
it anywhere. `BoxedKernelManager` names the provisioner in its kernel spec; other kernels of the
same process, say in a JupyterLab server with the formgrader, start as usual.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.session import json_unpacker
from traitlets import Any as AnyTrait
from traitlets import Bool, Instance

from autograder.errors import ZygoteError
from autograder.sandbox import seccomp, zygote
from autograder.sandbox.bubblewrap import BubblewrapBox, command
from autograder.sandbox.cgroups import Group
from autograder.sandbox.kernel_client import PromptKernelClient
from autograder.sandbox.message_limit import Door
from autograder.sandbox.wall import Box, Sandbox

__all__ = ["BoxProvisioner", "BoxedKernelManager"]

_WAITING = 4
"""Messages of a kernel that may wait to be read on each of its channels, of which some are never
read; on that of its outputs, see `PromptKernelClient`."""

_NAME = "kernel"
"""Prefix of a kernel's socket names."""

_PORTS = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5}
"""Their suffixes, fixed here so that the door can be created before the kernel."""

_CONTAINER_BYTES = 40
"""Bytes of a message per list or object in it, which takes a few bytes as text and some 300 when
parsed."""

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""One without an end matches, too: to look for the next after it would take quadratic time."""


class BoxProvisioner(LocalProvisioner):
    """Start a kernel's command in a sandbox."""

    sandbox = Instance(Sandbox, help="What the box holds.")
    boxed = Bool(True, help="False starts the same processes without a box.")
    box = AnyTrait(help="Prepared by a wall.")
    group = Instance(Group, allow_none=True, help="The control group for the box.")
    warm = Bool(False, help="Whether the kernel is forked from the zygote, where there is one.")

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Wrap ``cmd`` and start it, detached from the terminal: a box must not write there."""
        kwargs.update(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if self.boxed:
            if self.warm and self.box.forks and cmd[1] == "-m" and zygote.is_ready():
                try:
                    return await self._fork(cmd[2:], **kwargs)
                except ZygoteError as error:
                    self.log.info("A box is started without the zygote: %s", error)
                    zygote.failed(str(error))
            # The environment is set inside, by the wall; what puts it up needs none.
            kwargs.update(env={}, cwd="/")
            with self.box.begin(self.sandbox, cmd) as started:
                kwargs["pass_fds"] = started.files
                line = _join(self.group, list(started.line))
                return await super().launch_kernel(line, **kwargs)
        else:
            kwargs["env"] = {**kwargs.get("env", {}), **self.sandbox.environment}
            kwargs["cwd"] = self.sandbox.workdir
        return await super().launch_kernel(cmd, **kwargs)

    async def _fork(self, program: list[str], **kwargs: Any) -> Any:
        """Start a box with its holder, and fork a program with its imports into it."""
        with seccomp.opened() as filter_, zygote.holder() as held:
            line = command(self.sandbox, held.command, filter_)
            if filter_ is not None:
                kwargs["pass_fds"] = (filter_,)
            kwargs.update(env={}, cwd="/", stdin=held.theirs.fileno(), stdout=held.theirs.fileno())
            launched = await super().launch_kernel(_join(self.group, line), **kwargs)
            process = self.process
            assert process is not None
            try:
                zygote.enter(process, held, program, self.group)
            except BaseException:
                process.kill()
                process.wait()
                raise
            return launched


def _join(group: Group | None, line: list[str]) -> list[str]:
    """Return a command that enters a control group before it becomes the box."""
    if group is None:
        return line
    enter = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift; exec "$@"'
    return ["/bin/sh", "-c", enter, "box", *map(str, group.entrances), "--", *line]


class BoxedKernelManager(AsyncKernelManager):
    """A manager of one Python kernel in a box, connected over Unix sockets in ``folder``.

    Parameters
    ----------
    sandbox : Sandbox
        What the box holds; ``folder`` must be among its writable paths.
    folder : Path
        An empty folder for this kernel. Its path must be short: a Unix socket's path has at most
        107 bytes.
    boxed : bool
        False starts the same kernel without a box.
    box : Box, optional
        As prepared by a wall; by default bubblewrap's.
    group : Group, optional
        The control group for the box.
    message_bytes : int
        The longest message that is read; a longer one breaks the connection. A part with too many
        lists and objects for its length is treated as empty.
    program : sequence of str
        The module that is or starts the kernel, and its arguments before those of the kernel.
    warm : bool
        Whether it is forked from the zygote where there is one.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        folder: Path,
        *,
        boxed: bool = True,
        box: Box | None = None,
        group: Group | None = None,
        message_bytes: int = 16 << 20,
        program: Sequence[str] = ("ipykernel_launcher",),
        warm: bool = False,
        **kwargs: Any,
    ):
        super().__init__(
            transport="ipc",
            connection_file=str(folder / "kernel.json"),
            ip=str(folder / _NAME),
            client_factory=PromptKernelClient,
            **_PORTS,
            **kwargs,
        )
        self.session.unpack = partial(_unpack, most=message_bytes // _CONTAINER_BYTES)
        names = [f"{_NAME}-{port}" for port in _PORTS.values()]
        config = {
            "sandbox": sandbox,
            "boxed": boxed,
            "box": box or BubblewrapBox(),
            "group": group,
            "warm": warm,
        }
        self._door = Door(folder, names, message_bytes)
        self._message_bytes = message_bytes
        self._limit(self.context)
        self._kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", *program, "-f", "{connection_file}"],
            display_name="Python in a box",
            language="python",
            # A signal would reach bubblewrap and not the kernel.
            interrupt_mode="message",
            metadata={
                "kernel_provisioner": {
                    "provisioner_name": "box-provisioner",
                    "config": config,
                }
            },
        )

    def client(self, **kwargs: Any) -> Any:
        """Create a client that talks to the kernel through the door."""
        client = super().client(ip=str(self._door.folder / _NAME), **kwargs)
        # It has a context of its own.
        self._limit(client.context)
        return client

    def _limit(self, context: zmq.Context[Any]) -> None:
        """Set defaults of future sockets: waiting messages take the grader's memory."""
        context.setsockopt(zmq.MAXMSGSIZE, self._message_bytes)
        context.setsockopt(zmq.RCVHWM, _WAITING)

    def _make_url(self, channel: str) -> str:
        port = _PORTS[f"{channel}_port"]
        return f"ipc://{self._door.folder / _NAME}-{port}"

    def close(self) -> None:
        """Cut the connections; to be called when the kernel is gone."""
        self._door.close()

    @property
    def process(self) -> "subprocess.Popen[bytes] | None":
        """The box's outermost process, from start to shutdown."""
        return getattr(self.provisioner, "process", None)

    @property
    def root(self) -> int | None:
        """Its number."""
        return None if self.process is None else self.process.pid


def _unpack(content: bytes, most: int) -> Any:
    """Read JSON, or nothing if it has more lists and objects than ``most``."""
    if _containers(content) > most and _containers(_STRING.sub(b"", content)) > most:
        return {}
    return json_unpacker(content)


def _containers(content: bytes) -> int:
    return content.count(b"[") + content.count(b"{")
