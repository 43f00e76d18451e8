"""The board: a page for signed-in users, and what it shows as JSON."""
