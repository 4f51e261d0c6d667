"""Speed up the imports of other packages in the kit's own programs."""

import sys

__all__ = ["leave_out_address_parsers"]


def leave_out_address_parsers() -> None:
    """Keep jsonschema from building 38 parsers of international addresses when it is imported.

    That takes 0.7 s of CPU (jsonschema 4.25, 4.26), more than half of what importing nbformat and
    nbgrader takes otherwise. The parsers check formats, which neither package uses. Only for
    programs of the kit, before their first import of nbformat: in a student's kernel another
    package may need them.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
