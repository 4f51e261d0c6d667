"""What this kit's own programs leave out when they import other packages."""

import sys

__all__ = ["leave_out_address_parsers"]


def leave_out_address_parsers() -> None:
    """Keep jsonschema from building 38 parsers of international addresses when it is imported.

    That takes 0.7 s of CPU (jsonschema 4.25, 4.26), more than half of what nbformat and nbgrader
    take besides. It uses them to check formats, which neither asks for. Only for programs of the
    kit, before their first import of nbformat: in a student's kernel another package may want them.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
