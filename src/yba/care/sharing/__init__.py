"""Sharing a book: consents, delegates of the family, emergency openings. The record's Consents alone say who sees."""
