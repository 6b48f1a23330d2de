"""Who opened my book."""
