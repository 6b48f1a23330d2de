"""Benchmarks: each one command, each printing a ratio to the same SQL through bare psycopg in the same run."""
