"""Who may sign in, for whom they may act, and the tokens of programs."""
