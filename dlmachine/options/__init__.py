"""The options of each public function: typed for checkers and editors, listed for help."""
