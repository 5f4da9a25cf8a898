"""Signatures of presigned URLs, which do not say what is downloaded.

Pure. The parameters of each service are listed here, and nowhere else.
"""

from collections.abc import Collection
from typing import Final

#: For each kind of signature: the parameters that tell it, and those that belong to it.
_SIGNATURES: Final[tuple[tuple[frozenset[str], tuple[str, ...]], ...]] = (
    # Amazon S3, version 4.
    (frozenset({'X-Amz-Signature'}), ('X-Amz-*',)),
    # Amazon S3, version 2.
    (
        frozenset({'AWSAccessKeyId', 'Signature'}),
        ('AWSAccessKeyId', 'Expires', 'Signature', 'x-amz-security-token'),
    ),
    # Google Cloud Storage, versions 4 and 2.
    (frozenset({'X-Goog-Signature'}), ('X-Goog-*',)),
    (frozenset({'GoogleAccessId', 'Signature'}), ('Expires', 'GoogleAccessId', 'Signature')),
    # Amazon CloudFront.
    (
        frozenset({'Key-Pair-Id', 'Signature'}),
        ('Expires', 'Hash-Algorithm', 'Key-Pair-Id', 'Policy', 'Signature'),
    ),
    # Azure Storage: a shared access signature.
    (
        frozenset({'sig', 'sv'}),
        (
            'saoid', 'scid', 'sdd', 'se', 'ses', 'si', 'sig', 'sip', 'ske', 'skoid', 'sks', 'skt',
            'sktid', 'skv', 'sp', 'spr', 'sr', 'srt', 'ss', 'st', 'suoid', 'sv',
        ),
    ),
)  # fmt: skip


def signature_names(given: Collection[str]) -> tuple[str, ...]:
    """The names of the parameters that sign a URL with these parameters; none if it is not signed.

    `*` stands for any text, as in `key_ignores_query`.

    >>> signature_names(['versionId', 'X-Amz-Date', 'X-Amz-Signature'])
    ('X-Amz-*',)
    >>> signature_names(['Expires', 'sig'])
    ()
    """
    names = frozenset(given)
    found = (belonging for telling, belonging in _SIGNATURES if telling <= names)
    return tuple(sorted({name for belonging in found for name in belonging}))
