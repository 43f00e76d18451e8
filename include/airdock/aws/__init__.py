"""Doing it: everything that talks to AWS."""
