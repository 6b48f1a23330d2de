"""Sharing one's book: with whom, what, how long; who asked; whom of the family one lets help."""
