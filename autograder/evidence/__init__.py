"""What was seen of a submission: observed in a sandbox, a kernel or a process, and kept.

Nothing here judges: evidence never asks the verdict.
"""
