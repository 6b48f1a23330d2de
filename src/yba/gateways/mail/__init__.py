"""Letters by SMTP, through Django's own mail."""
