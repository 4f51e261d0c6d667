"""What a timed run earns, from its replay and the facts around it. Pure."""
