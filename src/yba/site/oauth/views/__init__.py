"""What browsers and programs ask of the authorization server."""
