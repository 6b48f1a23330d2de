"""Tags of the queue's pages."""
