"""Find out whether bars can be drawn; a hit needs nothing else of this room."""

import os
import sys
from typing import Final

_NOT_SET: Final = frozenset({'', '0', 'false', 'no', 'off'})
#: A fork of a kernel cannot show anything in the notebook.
_PID: Final = os.getpid()


def is_seen() -> bool:
    """Whether bars can be drawn: stderr is a terminal, or output is shown in a notebook."""
    if os.environ.get('CI', '').lower() not in _NOT_SET or os.environ.get('TERM') == 'dumb':
        return False
    if is_notebook():
        return True
    try:
        return bool(getattr(sys.stderr, 'isatty', bool)())
    except ValueError:  # It is closed.
        return False


def is_notebook() -> bool:
    """Whether this process is the kernel of a notebook, whose stderr is not a terminal."""
    if 'ipykernel' not in sys.modules or os.getpid() != _PID:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), 'kernel', None) is not None
