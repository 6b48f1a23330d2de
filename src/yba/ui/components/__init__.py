"""The components: a module for each kind, all registered in one library (`templatetags/ui.py`)."""
