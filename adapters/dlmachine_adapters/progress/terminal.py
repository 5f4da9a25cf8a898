"""Find out whether bars can be drawn; a hit needs nothing else of this room."""

import os
import sys
from importlib.util import find_spec
from typing import Final

_NOT_SET: Final = frozenset({'', '0', 'false', 'no', 'off'})


def is_seen() -> bool:
    """Whether bars can be drawn: stderr is a terminal, or output is shown in a notebook."""
    if os.environ.get('CI', '').lower() not in _NOT_SET or os.environ.get('TERM') == 'dumb':
        return False
    # A notebook's kernel has already loaded this; its stderr is not a terminal.
    if 'ipykernel' in sys.modules and find_spec('ipywidgets') is not None:
        return True
    try:
        return bool(getattr(sys.stderr, 'isatty', bool)())
    except ValueError:  # It is closed.
        return False
