"""Signatures of presigned URLs: which parameters do not say what is downloaded."""

import pytest

from dlmachine.core.cache.key import cache_key, without_signature
from dlmachine.core.secrets.presigned import signature_names
from dlmachine.core.spec.descriptor import Descriptor

URL = 'https://h/x?versionId=7'
#: The query of a presigned URL of each service, shortened.
SIGNED = [
    'X-Amz-Algorithm=a&X-Amz-Credential=c%2F1&X-Amz-Date=d&X-Amz-Expires=9&X-Amz-Signature=s',
    'AWSAccessKeyId=k&Signature=s%3D&Expires=9&x-amz-security-token=t',
    'X-Goog-Algorithm=a&X-Goog-Date=d&X-Goog-SignedHeaders=host&X-Goog-Signature=s',
    'GoogleAccessId=me&Expires=9&Signature=s',
    'Expires=9&Signature=s&Key-Pair-Id=k',
    'Policy=p&Signature=s&Key-Pair-Id=k&Hash-Algorithm=SHA256',
    # Azure: of a service, of an account, of a user.
    'sv=2024-01-01&se=e&sr=b&sp=r&sig=s%2B&st=t&spr=https&sip=i&si=p&ses=x',
    'sv=2024-01-01&ss=b&srt=o&se=e&sp=r&sig=s',
    'sv=2024-01-01&se=e&sr=d&sdd=2&sp=r&skoid=o&sktid=t&skt=d&ske=e&sks=b&skv=v&saoid=a&suoid=u&scid=c&sig=s',
]


@pytest.mark.parametrize('signature', SIGNED)
def test_a_signature_does_not_count(signature: str) -> None:
    """What else is in the query does."""
    signed = without_signature(Descriptor(url=f'{URL}&{signature}'))

    assert cache_key(signed) == cache_key(Descriptor(url=URL))
    pairs = tuple(tuple(pair.split('=', 1)) for pair in signature.split('&'))
    assert signature_names([pair[0] for pair in pairs]) == signed.key_ignores_query
    in_query = without_signature(Descriptor(url=URL, query=pairs))  # type: ignore[arg-type]
    assert in_query.key_ignores_query == signed.key_ignores_query


def test_a_signature_may_be_all_there_is() -> None:
    """Its names are those of the service, not those that were given."""
    assert signature_names(['X-Goog-Signature']) == ('X-Goog-*',)


@pytest.mark.parametrize(
    'query',
    [
        'Expires=9', 'sig=s', 'sv=1', 'Signature=s', 'Policy=p', 'X-Amz-Date=d', 'x-amz-signature', '',
        'AWSAccessKeyId=k', 'GoogleAccessId=me', 'Key-Pair-Id=k',
    ],
)  # fmt: skip
def test_parameters_of_the_same_names_alone_count(query: str) -> None:
    """They may be those of another service."""
    plain = Descriptor(url=f'https://h/x?{query}')
    assert without_signature(plain) is plain
