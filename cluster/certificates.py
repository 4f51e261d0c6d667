"""A key and a certificate for one cluster, required for every connection to it.

Anybody who can reach the port of a Dask scheduler can run code as its owner. The network of a batch
system is shared, so all connections there are encrypted, and both ends have to show the same
certificate. It is in a private folder that every node of the batch system has to see: job scripts
and command lines contain the paths, never the key.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.errors import ClusterError

__all__ = ["Certificates", "make_certificates"]


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of one cluster, and Distributed's settings for them."""

    folder: Path
    security: Any
    """``distributed.Security`` with paths in it, so that it can be shown and sent."""

    def remove(self) -> None:
        """Remove them; existing connections stay open."""
        shutil.rmtree(self.folder, ignore_errors=True)


def make_certificates(folder: str) -> Certificates:
    """Create a key and a certificate in a new folder below another.

    Parameters
    ----------
    folder : str
        Where all nodes see it; ``~`` and variables are expanded.

    Raises
    ------
    ClusterError
        If they cannot be created or written.
    """
    from distributed import Security

    try:
        made = Security.temporary()
    except ImportError as error:
        raise ClusterError(
            "Clusters of a batch system are encrypted, which needs the package cryptography: "
            "pip install cryptography."
        ) from error
    below = Path(os.path.expandvars(folder)).expanduser()
    try:
        place = Path(tempfile.mkdtemp(prefix=".dask-tls-", dir=below.resolve()))
        certificate, key = place / "certificate.pem", place / "key.pem"
        for path, text in ((certificate, made.tls_ca_file), (key, made.tls_worker_key)):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
    except OSError as error:
        raise ClusterError(
            f"The cluster's certificate cannot be written to {below}: {error.strerror}. Name a "
            "folder that all nodes see as shared_directory in the profile."
        ) from error
    roles = ("client", "scheduler", "worker")
    files = {f"tls_{role}_key": str(key) for role in roles}
    files |= {f"tls_{role}_cert": str(certificate) for role in roles}
    return Certificates(
        place, Security(require_encryption=True, tls_ca_file=str(certificate), **files)
    )
