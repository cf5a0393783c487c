"""What the business knows: cut into passages, found, and handed to the dialogue."""
