"""The numbers that the texts of the exercises name, and how each is measured."""
