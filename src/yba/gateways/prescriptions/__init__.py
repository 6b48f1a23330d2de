"""The national prescription system (QĐ 808/QĐ-BYT, part V)."""
