"""The options of each public function, typed and listed, and those in environment variables."""
