"""Tools for authors of exercises: build a notebook from its text, start from a template, verify."""
