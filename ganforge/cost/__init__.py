"""What a training step costs, counted without computing it."""
