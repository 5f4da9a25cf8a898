"""The path of a member of an archive, or of an archive in an archive.  Pure."""

import difflib
from collections.abc import Iterable
from itertools import islice
from typing import Final

from dlmachine.core.regex import regex

#: What separates an archive in an archive from its member, as in URLs of Java archives.
NESTED: Final = '!/'
_HERE: Final = regex(r'(?:\./+)+')
#: As many as `difflib` finds.
_NAMES_IN_ADVICE: Final = 3
#: The number of names that are compared, and their length; comparing takes time for each.
_COMPARED: Final = 1_000
_COMPARED_CHARS: Final = 100


def split_member(member: str | None) -> tuple[str, ...]:
    """The members to open, one within the other.

    >>> split_member('data.zip!/./table.tsv'), split_member(None)
    (('data.zip', 'table.tsv'), ())
    """
    return () if member is None else tuple(plain_name(one) for one in member.split(NESTED))


def plain_name(name: str) -> str:
    r"""The name of a member without `./` at its beginning and `/` at its end.

    >>> plain_name('./a/b/'), plain_name('a/../b')
    ('a/b', 'a/../b')
    """
    here = _HERE.match(name)
    return name[here.end() if here else 0 :].rstrip('/')


def nearest_names(wanted: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that are most like the one that an archive does not have.

    >>> nearest_names('tabel.tsv', ['a/table.tsv', 'readme.txt'])
    ('a/table.tsv',)
    """
    last = _last(wanted)
    known = list(islice(names, _COMPARED))
    same = [name for name in known if _last(name) == last]
    if same:
        return tuple(same[:_NAMES_IN_ADVICE])
    lasts = {_last(name): name for name in reversed(known) if len(_last(name)) <= _COMPARED_CHARS}
    near = difflib.get_close_matches(last[:_COMPARED_CHARS], lasts)
    return tuple(lasts[one] for one in near)


def _last(name: str) -> str:
    return name.rpartition('/')[2].casefold()
