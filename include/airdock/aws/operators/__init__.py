"""The tasks of a delivery, by service."""
