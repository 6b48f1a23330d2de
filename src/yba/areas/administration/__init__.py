"""What a facility does about itself: the protection of its data, its audit, its people."""
