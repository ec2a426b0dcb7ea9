"""What somebody says of an image: boxes, the labeled row, and its contributor's signature."""
