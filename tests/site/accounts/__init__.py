"""Tests of accounts: signing in, factors, staff, desks, identity."""
