"""The index of a folder: the records of the files at its paths."""
