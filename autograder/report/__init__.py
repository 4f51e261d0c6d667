"""What people look at: a grade as a card, as plain text, as pictures and as a class table."""
