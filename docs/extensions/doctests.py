"""Shows the examples of docstrings as blocks of code."""

import re
from typing import Any, Final

import griffe

#: From `>>>` to the next blank line, as doctest reads it.
_EXAMPLE: Final = re.compile(r'^>>> .*(?:\n.+)*', re.MULTILINE)


class Doctests(griffe.Extension):
    """Each example in a fence, since Markdown would read `>>>` as a quotation."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring, before it is parsed."""
        if obj.docstring is not None:
            fenced = _EXAMPLE.sub(r'\n```pycon\n\g<0>\n```\n', obj.docstring.value)
            obj.docstring.value = fenced
