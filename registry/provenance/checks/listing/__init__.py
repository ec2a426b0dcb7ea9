"""What each check says of itself, one module a level."""
