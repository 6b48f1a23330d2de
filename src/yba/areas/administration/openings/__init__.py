"""What is opened beside the rules of every day: in an emergency, and to next of kin. Judged and decided here."""
