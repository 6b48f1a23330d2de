"""Visits by video: how they are marked, what the law allows in them, how one gets in, what carries the picture."""
