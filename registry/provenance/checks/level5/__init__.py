"""Level 5: what is made again from the pictures: pixels, cleaning, what pictures say of their use."""
