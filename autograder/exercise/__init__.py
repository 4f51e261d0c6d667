"""Exercises: their description, their cases, and their calibration to a machine."""
