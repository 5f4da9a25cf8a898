"""The messages of dlmachine, as a table: each mistake, and the exact text that it is answered by.

Each `.txt` file has the messages of one subject, in blocks that an empty line ends. `>>>` is Python,
and below it stands the exception; `$` is a command, and below it stands what goes to stderr and the
exit status. `...` stands for words that depend on the platform or on a library.

`python -m tests.messages` writes the texts anew.
"""
