"""Runs and releases become rows of the board: pure, plain JSON in the shape that the page reads."""
