"""The former names of types, fields and values, so that stored plans stay readable.  Pure."""

from collections.abc import Mapping
from typing import Final

from dlmachine.core.spec.policy import OLD_FIELDS

#: The present name of each renamed type.
TYPES: Final = {
    'ConfirmCopy': 'CheckCopy',
    'ExchangeMany': 'ExchangeSegments',
    'Join': 'Reassemble',
    'Manners': 'RateLimits',
    'Retire': 'RemoveVersions',
    'Said': 'Representation',
}
#: The present name of each renamed field, by the present name of its type.
FIELDS: Final = {
    'Exchange': {'manners': 'rate_limits'},
    'ExchangeSegments': {'said': 'representation'},
    'Expectation': {
        'address': 'url_digest',
        'asked_name': 'requested_name',
        'copy_place': 'cached_source',
        'said': 'representation',
    },
    'PartSeen': {'address': 'url_digest', 'said': 'representation'},
    'Policy': OLD_FIELDS,
    'ReadChecksums': {'wish': 'target'},
    'Representation': {'place': 'source'},
}
#: The present value of each changed value of an enum.
VALUES: Final[Mapping[str, Mapping[object, str]]] = {
    'Reason': {
        'the newest stored version is ready and whole': 'the cache has a usable version',
        'it was stored while this download waited': (
            'another download stored a version while this one waited'
        ),
        'offline: the newest stored version is used unasked': (
            'offline: the newest stored version is used without a check'
        ),
        'a version is stored, and check_freshness asks whether it is current': (
            'freshness is always: check whether the stored version is current'
        ),
        'check_freshness is set: check whether the stored version is current': (
            'freshness is always: check whether the stored version is current'
        ),
        'force_download asks for a new copy': 'force_download is set',
        'the cache has no version of it': 'the file is not in the cache',
        'no stored version is ready, whole and within the dates and sizes': (
            'no stored version is complete and within the allowed dates and sizes'
        ),
        'the stored file has changed since; it is used if it has the digest on record': (
            'the stored file has changed: it is used if it has the recorded digest'
        ),
        'the stored file has changed: it does not have the size on record': (
            'the stored file has changed: its size differs from the recorded size'
        ),
        'a path is given as destination': 'the destination is a path',
        'memory is the destination': 'the destination is memory',
        'an earlier download left a part that can be resumed': (
            'an earlier download of this file can be resumed'
        ),
    }
}
