"""What goes on, told to whoever reads along: at a terminal or in a notebook."""
