"""What an instructor uses, one module for each command of ``autograder``."""
