"""The former names of types and fields, so that stored plans stay readable.  Pure."""

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
