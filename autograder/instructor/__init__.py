"""The instructor's commands, one module for each."""
