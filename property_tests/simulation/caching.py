"""What servers say of how long their responses are fresh, as fields and by their meaning.

The meaning is stated here by hand, so that the checks do not depend on the code that reads fields.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Final

#: The languages that requests ask for; servers that vary have other contents for each.
LANGUAGES: Final = ('', 'de', 'fr', 'de')
#: Directives of requests, and how long a copy may have been stale (None: it must be confirmed).
ASKED: Final[tuple[tuple[str, float | None], ...]] = (
    ('', 0.0), ('', 0.0), ('max-stale=3600', 3600.0), ('no-cache', None),
)  # fmt: skip
_WEEK: Final = timedelta(days=7)
_YEAR: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Control:
    """A Cache-Control field and its meaning; durations are in seconds."""

    text: str = ''
    lifetime: float | None = None
    no_store: bool = False
    no_cache: bool = False
    must_revalidate: bool = False
    stale_if_error: float | None = None


_CONTROLS: Final = (
    Control(),
    Control('max-age=3600', 3600.0),
    Control('no-store, max-age=3600', 3600.0, no_store=True),
    Control('private, No-Cache', no_cache=True),
    Control('max-age="60", must-revalidate, max-age=9999', 60.0, must_revalidate=True),
    Control('max-age=60, stale-if-error=7200', 60.0, stale_if_error=7200.0),
    Control('public, s-maxage=1, max-age=1' + 30 * '0', float(1 << 31)),
    Control('max-age=-1, max-age=3600', 0.0),
)
#: The number of choices for the fields beside Cache-Control.
_FIELD_CHOICES: Final = 8
#: The number of all choices; the first one says nothing of caching.
PROFILES: Final = len(_CONTROLS) * _FIELD_CHOICES


@dataclass(frozen=True, slots=True)
class Said:
    """What a response says of its freshness; `age` and `lifetime` are in seconds.

    `date` is what it says of when it was made (None: nothing that is a date). With `is_for_none`
    it says that it answers no other request.
    """

    control: Control
    fields: tuple[tuple[str, str], ...]
    lifetime: float
    age: float = 0.0
    date: datetime | None = None
    is_for_none: bool = False


def varies(profile: int) -> bool:
    """Whether the contents of servers with this profile depend on the language."""
    return profile // len(_CONTROLS) in {1, 7}


def translate(content: bytes, language: str) -> bytes:
    """The content in another language, which no other version has."""
    mask = {'': 0, 'de': 0x80, 'fr': 0xC0}[language]
    return bytes(byte ^ mask for byte in content)


def say(
    profile: int, number: int, now: datetime, modified: datetime | None, *, has_date: bool
) -> Said:
    """What a server with this profile says now of the version with this number."""
    # Other versions come with other directives, if there are any at all.
    control = _CONTROLS[(profile + number - 1) % len(_CONTROLS) if profile else 0]
    manner = profile // len(_CONTROLS)
    date = now - _YEAR if manner == 5 else now
    fields = [('Cache-Control', control.text)] if control.text else []
    age, expires = 0.0, None
    match manner:
        case 2:
            fields.append(('Age', '1800'))
            age = 1800.0
        case 3:
            expires = timedelta(hours=1)
            fields.append(('Expires', _shown(date + expires)))
        case 4:
            expires = timedelta(0)
            fields.append(('Expires', '0'))
        case 6:
            fields.append(('Age', '1' + 30 * '0'))
            age = float(1 << 31)
        case 7:
            expires = timedelta(0)
            fields.append(('Expires', _shown(date - _YEAR)))
        case _:
            pass
    is_for_none = varies(profile) and control.stale_if_error is not None
    if varies(profile):
        fields.append(('Vary', 'Accept-Language, *' if is_for_none else 'accept-language'))
    if has_date:
        fields.append(('Date', _shown(date)))
    lifetime = control.lifetime
    if lifetime is None and expires is not None:
        lifetime = expires.total_seconds()
    if lifetime is None:
        # By experience: a tenth of the time since the last change.
        since = timedelta(0) if modified is None else max(now - modified, timedelta(0))
        lifetime = min(since / 10, _WEEK).total_seconds()
    return Said(control, tuple(fields), lifetime, age, date if has_date else None, is_for_none)


def _shown(date: datetime) -> str:
    return format_datetime(date, usegmt=True)
