"""What a student uses: `check()` in the notebook, and pytest in its folder."""
