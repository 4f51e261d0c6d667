"""What an exercise is: its description, its cases, and how they are fitted to a machine."""
