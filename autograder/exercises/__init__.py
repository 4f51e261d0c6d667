"""The exercises that come with the kit, a folder each: ``exercise.toml`` and ``cases.py``."""
