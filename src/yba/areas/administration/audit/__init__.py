"""The audit for those who watch over it: who did what to whose record, and what a rule found that needs a look."""
