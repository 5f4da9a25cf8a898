"""The options of commands: their flags and values, made from the table of options."""
