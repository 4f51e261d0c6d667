"""Make Jupyter start a kernel inside a box instead of beside the grader.

Jupyter's kernel provisioners are made for this: one gets the command of the kernel and starts
it where it likes. Whoever wants a boxed kernel uses `BoxedKernelManager`, which names the
provisioner in its kernel spec; every other kernel of the same process, say in a JupyterLab
server that also serves the formgrader, starts as always.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Bool, Instance

from autograder.box.sandbox import Sandbox, command

__all__ = ["BoxProvisioner", "BoxedKernelManager"]


class BoxProvisioner(LocalProvisioner):
    """Start a kernel's command in a sandbox, under the sandbox's first program if it has one."""

    sandbox = Instance(Sandbox, help="What the box holds.")
    boxed = Bool(True, help="False starts the same processes without a box.")

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Wrap ``cmd`` and start it, away from the terminal: a box must not write there."""
        kwargs.update(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if self.boxed:
            # The environment is set inside, by bubblewrap; bubblewrap itself needs none.
            kwargs.update(env={}, cwd="/")
            cmd = command(self.sandbox, cmd)
        else:
            kwargs["env"] = {**kwargs.get("env", {}), **self.sandbox.environment}
            kwargs["cwd"] = self.sandbox.workdir
            cmd = [*self.sandbox.entry, *cmd]
        return await super().launch_kernel(cmd, **kwargs)


class BoxedKernelManager(AsyncKernelManager):
    """A manager of one Python kernel in a box, spoken to over Unix sockets in ``folder``.

    Parameters
    ----------
    sandbox : Sandbox
        What the box holds; ``folder`` must be among its writable paths.
    folder : Path
        An empty folder of this kernel's own. Its path must be short: a Unix socket's name has
        room for 107 bytes.
    boxed : bool
        False starts the same kernel without a box.
    module : str
        The program that is the kernel.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        folder: Path,
        *,
        boxed: bool = True,
        module: str = "ipykernel_launcher",
        **kwargs: Any,
    ):
        super().__init__(
            transport="ipc",
            connection_file=str(folder / "kernel.json"),
            ip=str(folder / "kernel"),
            **kwargs,
        )
        self._kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", module, "-f", "{connection_file}"],
            display_name="Python in a box",
            language="python",
            # A signal would reach bubblewrap and not the kernel.
            interrupt_mode="message",
            metadata={
                "kernel_provisioner": {
                    "provisioner_name": "box-provisioner",
                    "config": {"sandbox": sandbox, "boxed": boxed},
                }
            },
        )

    @property
    def root(self) -> int | None:
        """Number of the box's outermost process, once it was started."""
        process = getattr(self.provisioner, "process", None)
        return None if process is None else int(process.pid)
