"""What people look at: a grade as a card, as plain text, as pictures and as a class table.

Nothing is imported here, so that whoever wants only the plain text does not wait for matplotlib.
"""
