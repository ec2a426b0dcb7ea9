"""What the modules of commands are made of where one would grow too long: a verb of its own, or its options."""
