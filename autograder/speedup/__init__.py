"""What a timed run earns, from what was measured of it. Pure."""
