"""Names of the files of a batch in a folder.  Pure.

In a folder a name belongs to one download. A download that is recorded keeps its name; the others
get the name of their URL, numbered if another download has it.
"""

from collections.abc import Callable
from itertools import count

from dlmachine.core.http.filename import extension


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """The name, or the first numbered one that is not taken.

    >>> free_name('t.csv', {'t.csv', 't-2.csv'}.__contains__)
    't-3.csv'
    """
    if not is_taken(name):
        return name
    return next(one for number in count(2) if not is_taken(one := numbered(name, number)))


def numbered(name: str, number: int) -> str:
    """A name with a number before its extension.

    >>> numbered('a.tar.gz', 2)
    'a-2.tar.gz'
    """
    ext = extension(name)
    stem = name if ext is None else name[: -len(ext) - 1]
    return f'{stem}-{number}' + ('' if ext is None else name[len(stem) :])
