"""The access door tried from outside: every role, type, interaction and relation, against an oracle of its own."""
