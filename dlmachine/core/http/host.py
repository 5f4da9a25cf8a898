"""Convert host names to ASCII by UTS 46, non-transitional.

Pure. IDNA 2008 and browsers distinguish `faß.example` from `fass.example`; the codec `idna` of the
standard library (IDNA 2003) does not. IDNA 2008 forbids symbols and emoji, which are
converted according to UTS 46.
"""

import unicodedata
from typing import Final

from dlmachine.core.regex import regex

#: An ASCII name has at most 253 characters (RFC 1035 section 2.3.4); before mapping it may have
#: more, such as soft hyphens.
_MAX_CHARACTERS: Final = 1_024
#: Each character of a label that is not ASCII becomes at least one ASCII character.
_MAX_LABEL_CHARACTERS: Final = 63

_ZWJ: Final = '\u200d'
_JOINERS: Final = regex('[\u200c\u200d]')
#: Categories of emoji; Cn for emoji that are newer than this Python.
_SYMBOLS: Final = frozenset({'So', 'Sk', 'Cn'})
_RIGHT_TO_LEFT: Final = frozenset({'R', 'AL', 'AN'})


def ascii_host(name: str) -> str:
    """Convert a host name that is not ASCII to the form for the resolver and the Host field.

    Labels that become ASCII by mapping (full-width letters and digits) are not checked further.
    Raises: ValueError if it is not a valid name.

    >>> ascii_host('Faß.example'), ascii_host('☃。net')
    ('xn--fa-hia.example', 'xn--n3h.net')
    """
    if len(name) > _MAX_CHARACTERS:
        raise ValueError('too long')
    import idna  # Most names are ASCII, so the tables are loaded only when needed.

    labels = idna.uts46_remap(name, std3_rules=False).split('.')
    return '.'.join(label if label.isascii() else _ascii_label(label) for label in labels)


def _ascii_label(label: str) -> str:
    # The criteria of UTS 46 section 4.1; IDNAError is a ValueError too.
    import idna

    label = _without_emoji_joiners(label)
    if len(label) > _MAX_LABEL_CHARACTERS or label.startswith('xn--'):
        raise ValueError('it has an invalid label')
    idna.check_initial_combiner(label)
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in label):
        idna.check_bidi(label)
    if not all(idna.valid_contextj(label, found.start()) for found in _JOINERS.finditer(label)):
        raise ValueError('it has a zero-width joiner in a forbidden place')
    return f'xn--{label.encode("punycode").decode("ascii")}'


def _without_emoji_joiners(label: str) -> str:
    # They make fonts draw several emoji as one; no registered name contains them.
    if _ZWJ not in label:
        return label
    before = zip(f' {label}', label, strict=False)
    return ''.join(
        character
        for previous, character in before
        if character != _ZWJ or unicodedata.category(previous) not in _SYMBOLS
    )
