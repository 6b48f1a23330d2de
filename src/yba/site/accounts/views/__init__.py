"""The pages of accounts: signing in, one's own security, staff, desks that verify who somebody is."""
