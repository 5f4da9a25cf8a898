"""Values that several strategies share, so that they can be equal: contents, digests, times."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from hypothesis import strategies as st

DATA: Final = b'a,b\n1,2\n'
DIGESTS: Final = tuple(sha256(text).hexdigest() for text in (DATA, b'', b'other'))
NOW: Final = datetime(2024, 5, 1, tzinfo=UTC)

#: Durations from zero to minutes.
durations = st.timedeltas(timedelta(0), timedelta(minutes=10))
#: Times around NOW, aware and in UTC.
instants = st.timedeltas(timedelta(days=-30), timedelta(days=30)).map(lambda span: NOW + span)
