"""Apps and systems of others: the authorization server (OAuth 2.1, OpenID Connect, SMART App Launch 2.2)."""
