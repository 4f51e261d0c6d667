"""What an author of exercises uses: the notebook from its text, a template, a checked whole."""
