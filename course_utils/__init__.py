"""Helpers behind the notebooks of the course. Importing this package has no side effects."""
