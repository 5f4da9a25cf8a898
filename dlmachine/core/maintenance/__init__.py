"""What is wrong with a cache folder, and which repair is safe."""
