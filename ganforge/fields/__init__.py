"""What fields of specs may hold, what plain text means in them, and what their source says of them."""
