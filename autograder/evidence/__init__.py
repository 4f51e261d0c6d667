"""The evidence of a submission: observed in a sandbox, a kernel or a process, and stored.

Nothing here judges: evidence never asks the verdict.
"""
