"""A facility's duties over the data it keeps: answering what people ask, and what follows when data get out."""
