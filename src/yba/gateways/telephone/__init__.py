"""Telephone exchanges: Asterisk by its Manager Interface."""
