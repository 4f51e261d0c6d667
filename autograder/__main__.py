"""``python -m autograder``: the command, where it is not on the PATH."""

from autograder.cli import main

main(prog_name="autograder")
