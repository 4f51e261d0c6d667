"""Grades for people to read: as a card, plain text, pictures and a class table."""
