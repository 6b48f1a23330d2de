"""The cashier: what is unpaid, taking money once, receipts, sums of the day. Read ``README.md`` first."""
