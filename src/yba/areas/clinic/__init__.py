"""The visit: the room's line, the note, orders, the prescription and the follow-up slip."""
