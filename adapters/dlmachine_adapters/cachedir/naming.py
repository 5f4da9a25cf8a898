"""How cachedir names things: item ids, file names, dates.

Contract: pure functions; they repeat what cachedir does, and the tests compare them with it.
"""

import os
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import md5
from typing import Final

#: The only parameter that dlmachine passes to cachedir: cachedir's own serialization sorts lists
#: and loses types, so that two requests could share an entry.
KEY_PARAMETER: Final = 'dlmachine'

#: The name of the attributes that hold the URLs of fresh redirects to a file.
REDIRECT_ATTRIBUTE: Final = 'redirected_to'

#: The name of the attribute that tells the variants of a download apart; its value begins with the
#: item id and a colon.
VARIANT_ATTRIBUTE: Final = 'dlmachine_variant'

#: The length of a time without a fraction and a zone.
_TO_SECOND: Final = 19

#: Stored where there is no extension; otherwise cachedir would take one from the file name.
_NO_EXTENSION: Final = '.'


@lru_cache(maxsize=2_048)
def item_id_of(key: str) -> str:
    """The item id of `cache.search(params={'dlmachine': key})`."""
    return hash_text(f'[{KEY_PARAMETER}={key}]')


def hash_text(text: str) -> str:
    """The digest that cachedir computes of a serialized parameter dict."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def stored_ext(ext: str | None, file_name: str) -> str | None:
    """The extension to store, so that the file of the entry has the same name for cachedir."""
    return ext or (_NO_EXTENSION if guess_extension(file_name) else None)


def to_local(at: datetime) -> str:
    """A time as cachedir writes it: local, without a zone."""
    return at.astimezone().isoformat(' ', 'seconds')[:_TO_SECOND]


def from_local(text: object) -> datetime:
    """Parse a date of cachedir; an invalid one counts as very old."""
    try:
        return datetime.fromisoformat(str(text)[:_TO_SECOND]).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def guess_extension(file_name: str | None) -> str:
    """The extension that cachedir uses for a file name by default."""
    return os.path.splitext(file_name or '')[1][1:]
