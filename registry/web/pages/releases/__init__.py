"""What the pages of releases show."""
