"""Host names as they are asked for: in ASCII, by UTS 46, non-transitional.

Pure. IDNA 2008 and browsers tell `faß.example` from `fass.example`; the codec `idna` of the
standard library (IDNA 2003) does not. Symbols and emoji, which are no names in IDNA 2008, are
written as UTS 46 has it.
"""

import re
import unicodedata
from typing import Final

#: In ASCII a name has 253 characters at most (RFC 1035 section 2.3.4); before it is mapped it may
#: have more, such as soft hyphens.
_MAX_CHARACTERS: Final = 1_024
#: Each character of a label that is not ASCII becomes one at least.
_MAX_LABEL_CHARACTERS: Final = 63

_ZWJ: Final = '\u200d'
_JOINERS: Final = re.compile('[\u200c\u200d]')
#: Categories of emoji; Cn is of those that are newer than this Python.
_SYMBOLS: Final = frozenset({'So', 'Sk', 'Cn'})
_RIGHT_TO_LEFT: Final = frozenset({'R', 'AL', 'AN'})


def ascii_host(name: str) -> str:
    """A host name with other characters than ASCII, as it goes to the resolver and into Host.

    Labels that become ASCII by mapping (full-width letters and digits) are not looked at further.
    Raises: ValueError, if it cannot be a name.

    >>> ascii_host('Faß.example'), ascii_host('☃。net')
    ('xn--fa-hia.example', 'xn--n3h.net')
    """
    if len(name) > _MAX_CHARACTERS:
        msg = 'too long'
        raise ValueError(msg)
    import idna  # Most names are ASCII, and need no tables.

    labels = idna.uts46_remap(name, std3_rules=False).split('.')
    return '.'.join(label if label.isascii() else _ascii_label(label) for label in labels)


def _ascii_label(label: str) -> str:
    # The criteria of UTS 46 section 4.1; IDNAError is a ValueError too.
    import idna

    label = _without_emoji_joiners(label)
    if len(label) > _MAX_LABEL_CHARACTERS or label.startswith('xn--'):
        msg = 'no label'
        raise ValueError(msg)
    idna.check_initial_combiner(label)
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in label):
        idna.check_bidi(label)
    if not all(idna.valid_contextj(label, found.start()) for found in _JOINERS.finditer(label)):
        msg = 'a joiner where none may be'
        raise ValueError(msg)
    return f'xn--{label.encode("punycode").decode("ascii")}'


def _without_emoji_joiners(label: str) -> str:
    # They tell fonts to draw one picture of several; no name was ever registered with them.
    if _ZWJ not in label:
        return label
    before = zip(f' {label}', label, strict=False)
    return ''.join(
        character
        for previous, character in before
        if character != _ZWJ or unicodedata.category(previous) not in _SYMBOLS
    )
