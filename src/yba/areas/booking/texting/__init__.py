"""Booking by text: a keyword, times to choose from by number, a hold, a request. Read `words`, `dialogue`."""
