"""Check-in, the line's screens: reception, wall, the citizen's own number. Read ``README.md`` first."""
