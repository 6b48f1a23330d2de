"""What a person may ask of their own data: a copy, consents, corrections, erasure, and what came of each request."""
