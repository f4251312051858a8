"""What `ganforge new` writes: a recipe for a folder of pictures, and a plugin to begin with."""
