"""Text messages: by SMPP 3.4 (`smpp`), or by a brand-name provider's own HTTP (`brandname`)."""
