"""Descriptors and bodies from a caller's arguments."""

import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from dlmachine.core.access.auth import parse_auth
from dlmachine.core.access.secret import Secret
from dlmachine.core.cache.key import cache_key, identity
from dlmachine.core.frozen import replace
from dlmachine.core.http.body import (
    ContentPart,
    FilePart,
    FormBody,
    JsonBody,
    MultipartBody,
    NoBody,
    RawBody,
    content_type_of,
    parse_json,
    parse_multipart,
    parse_pairs,
)
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Tls, body_digest
from dlmachine.core.sources.resolved import Resolved
from dlmachine.core.spec.descriptor import Descriptor
from tests.builders import MIRROR, URL, a_descriptor

RESOLVED = Resolved(url='https://h/y', home='https://h/', path='y')
NESTED: list[Any] = []
for _ in range(101):
    NESTED = [NESTED]

BODIES: list[tuple[dict[str, Any], str, Any, Any]] = [
    ({}, 'GET', (), NoBody()),
    ({'query': {'b': 1, 'a': [2, None, True]}}, 'fault', "query['a']", None),
    ({'query': {'b': 1, 'a': [2, 'x']}}, 'GET', (('a', '2'), ('a', 'x'), ('b', '1')), NoBody()),
    ({'query': [('b', 1), ['a', None]]}, 'GET', (('b', '1'),), NoBody()),
    ({'query': {'a': 1}, 'post': True}, 'POST', (), FormBody((('a', '1'),))),
    ({'post': True}, 'POST', (), FormBody(())),
    ({'post': {'a': 1}}, 'POST', (), FormBody((('a', '1'),))),
    ({'post': {}}, 'POST', (), FormBody(())),
    (
        {'post': [('b', 1), ('a', 2)], 'query': {'q': 1}},
        'POST',
        (('q', '1'),),
        FormBody((('b', '1'), ('a', '2'))),
    ),
    ({'post': 'a=1'}, 'POST', (), RawBody(b'a=1', 'application/x-www-form-urlencoded')),
    ({'post': 1}, 'fault', 'post', None),
    ({'post': {'a': 1}, 'data': 'x'}, 'fault', 'body', None),
    ({'post': True, 'json': {'b': 2}}, 'POST', (), JsonBody('{"b":2}')),
    ({'post': True, 'json': True, 'query': {'b': 2}}, 'POST', (), JsonBody('{"b":2}')),
    ({'data': 5}, 'fault', 'data', None),
    ({'data': {'a': 1}}, 'fault', 'data', None),
    ({'data': bytearray(b'x')}, 'POST', (), RawBody(b'x')),
    ({'cert': 5}, 'fault', 'cert', None),
    ({'cert': ('a', 'b')}, 'fault', 'cert', None),
    (
        {'query': 'a=1', 'post': True},
        'POST',
        (),
        RawBody(b'a=1', 'application/x-www-form-urlencoded'),
    ),
    (
        {'query': b'a=1', 'post': True},
        'POST',
        (),
        RawBody(b'a=1', 'application/x-www-form-urlencoded'),
    ),
    ({'query': 5, 'post': True}, 'fault', 'query', None),
    ({'query': {'a': [1, None]}, 'json': True}, 'POST', (), JsonBody('{"a":[1,null]}')),
    ({'query': {'a': 1}, 'json': {'b': 2}}, 'POST', (('a', '1'),), JsonBody('{"b":2}')),
    ({'json': float('nan')}, 'fault', 'json', None),
    ({'query': {'a': float('nan')}, 'json': True}, 'fault', 'query', None),
    ({'json': {1, 2}}, 'fault', 'json', None),
    ({'json': '\ud800'}, 'fault', 'json', None),
    ({'json': NESTED}, 'fault', 'json', None),
    ({'data': b'x', 'query': {'a': 1}}, 'POST', (('a', '1'),), RawBody(b'x')),
    ({'data': 'é'}, 'POST', (), RawBody('é'.encode())),
    ({'multipart': {'n': 'x'}}, 'POST', (), MultipartBody((ContentPart(name='n', content=b'x'),))),
    ({'multipart': 5}, 'fault', 'multipart', None),
    ({'multipart': {'n': 'x'}, 'query': 'a'}, 'fault', 'query', None),
    ({'json': True, 'data': b'x'}, 'fault', 'body', None),
    ({'data': b'x', 'method': 'put'}, 'PUT', (), RawBody(b'x')),
    ({'data': b'x', 'method': 'GET'}, 'fault', 'method', None),
    ({'method': 'TRACE'}, 'fault', 'method', None),
    ({'method': 'HEAD', 'data': b'x'}, 'fault', 'method', None),
    ({'query': {'a': 'x\r\ny\0'}}, 'GET', (('a', 'x\r\ny\0'),), NoBody()),
    ({'query': {'a': 'x\ny'}, 'json': {}}, 'POST', (('a', 'x\ny'),), JsonBody('{}')),
    ({'query': {'a': '\ud800'}}, 'fault', "query['a']", None),
    ({'query': {'a\n': 'x'}}, 'fault', 'query name', None),
    ({'query': {'a': 'x\ny'}, 'post': True}, 'POST', (), FormBody((('a', 'x\ny'),))),
    ({'query': {'a\n': 'x'}, 'post': True}, 'fault', 'query name', None),
    ({'query': {'a': '\ud800'}, 'post': True}, 'fault', "query['a']", None),
    ({'query': {'a': object()}}, 'fault', "query['a']", None),
    ({'query': {None: 'x'}}, 'fault', 'query[None]', None),
    ({'query': 'a=1'}, 'fault', 'query', None),
    ({'query': [1, 2]}, 'fault', 'query', None),
]


@pytest.mark.parametrize(
    ('given', 'method', 'pairs', 'body'), BODIES, ids=[f'{given!r}'[:60] for given, *_ in BODIES]
)
def test_bodies(given: dict[str, Any], method: str, pairs: Any, body: Any) -> None:
    """A query string, a form, JSON, parts or bytes; or a fault that names the argument."""
    read = Descriptor.parse(URL, **given)
    if method == 'fault':
        assert getattr(read.failure(), 'where') == pairs  # noqa: B009 -- of InvalidInput
    else:
        made = read.unwrap()
        assert (made.method, made.query, made.body) == (method, pairs, body)


@pytest.mark.parametrize(
    ('given', 'where'),
    [
        ({'url': 7}, 'url'), ({'url': 'h/x'}, 'url'),
        ({'mirrors': 5}, 'mirrors'), ({'mirrors': ['http://m/', 'x']}, 'mirrors[1]'),
        ({'headers': ['nonsense']}, 'headers[0]'), ({'headers': {'Content-Length': '1'}}, "headers['Content-Length']"),
        ({'verify': 'no'}, 'verify'), ({'cainfo': 'a\0b'}, 'cainfo'), ({'key': 'a\0b'}, 'key'), ({'cert': 'https://h/x'}, 'cert'),
    ],
)  # fmt: skip
def test_unusable_arguments_are_named(given: dict[str, Any], where: str) -> None:
    """Every fault names the argument."""
    fault = Descriptor.parse(**{'url': URL, **given}).failure()
    assert getattr(fault, 'where') == where  # noqa: B009 -- of InvalidInput


def test_addresses_and_tls() -> None:
    """Mirrors may be one text or many; TLS files are paths."""
    one = a_descriptor(mirrors=MIRROR, cainfo=PurePosixPath('/ca.pem'), verify=False)
    assert one.addresses == (URL, MIRROR)
    assert one.tls == Tls(verify=False, cainfo='/ca.pem')


def test_a_ready_body_is_taken_as_it_is() -> None:
    """The query is used too, and its faults are reported."""
    body = RawBody(b'x', 'text/csv')
    made = a_descriptor(body=body, query={'a': 1})
    assert (made.method, made.query, made.body) == ('POST', (('a', '1'),), body)
    assert Descriptor.parse(URL, body=body, query='a').failure().code == 'invalid_input'


def test_equality_is_of_what_is_described() -> None:
    """Subclasses are equal if their fields are; other objects are not equal."""

    class Special(Descriptor):
        """A caller's subclass."""

    assert a_descriptor() == Special(url=URL)
    assert hash(a_descriptor()) == hash(Special(url=URL))
    assert a_descriptor() != a_descriptor(query={'a': 1})
    assert a_descriptor() != URL


def test_the_repr_shows_no_secrets() -> None:
    """Every field that differs from the default is shown, with secrets masked."""
    made = a_descriptor(
        'https://me:s3cret@h/x', query={'token': 's3cret'}, headers={'Cookie': 's3cret'}, data=b's3cret',
        mirrors=['https://h/y?sig=s3cret'], verify=False,
    )  # fmt: skip
    assert repr(made) == (
        "Descriptor('https://***@h/x', method='POST', query=(('token', '***'),), "
        "headers=Headers((('Cookie', '***'),)), body=<RawBody>, "
        "tls=Tls(verify=False, cainfo=None, cert=None, key=None), mirrors=('https://h/y?sig=***',))"
    )
    assert repr(a_descriptor()) == f'Descriptor({URL!r})'
    of_user = a_descriptor(auth=('me', 's3cret'), cookies={'sid': 's3cret'})
    assert repr(of_user) == f'Descriptor({URL!r}, auth=<{of_user.auth}>, cookies=<sid>)'


def test_a_copy_to_be_shown_has_every_field() -> None:
    """Texts are masked, and references to secrets stay; all else is the same."""
    made = replace(
        a_descriptor(
            'https://h/x?code=1', headers={'X-Code': '1', 'X-Lab': '7'}, cert='c', key='k',
            mirrors=['https://m/x?code=1'], secret_names=['code', 'x-code'], key_without=['X-Lab'],
            key_ignores_query=['code'], auth=('me', 's3cret'), cookies={'a': 's3cret', 'b': 'env:B'},
            key_password='env:K',
        ),
        resolved=RESOLVED,
        key_by_vary=True,
    )  # fmt: skip
    shown = made.redacted()
    assert shown == Descriptor(
        url='https://h/x?code=***',
        headers=Headers((('X-Code', '***'), ('X-Lab', '7'))),
        tls=Tls(cert='c', key='k'),
        mirrors=('https://m/x?code=***',),
        secret_names=('code', 'x-code'),
        key_without=('x-lab',),
        key_ignores_query=('code',),
        key_by_vary=True,
        auth=parse_auth(('me', '***')).unwrap(),
        cookies=replace(made.cookies, own=(('a', Secret(text='***')), ('b', Secret(variable='B')))),
        key_password=Secret(variable='K'),
        resolved=RESOLVED,
    )
    assert shown.headers.secret_names == ('code', 'x-code')
    assert a_descriptor(key_password='s3cret').redacted().key_password == Secret(text='***')


PARTS = MultipartBody(
    (ContentPart(name='a', content=b'x'), FilePart(name='f', path='/x/y', filename='y'))
)
KINDS = [
    (NoBody(), NoBody(), None, None),
    (
        FormBody((('token', 's'), ('a', 'b'))),
        FormBody((('token', '***'), ('a', 'b'))),
        'application/x-www-form-urlencoded',
        'form',
    ),
    (JsonBody('{"a":1}'), JsonBody('"***"'), 'application/json', 'json'),
    (RawBody(b's', 'text/csv'), RawBody(b'***', 'text/csv'), 'text/csv', 'raw'),
    (PARTS, MultipartBody(()), f'multipart/form-data; boundary={PARTS.boundary}', 'multipart'),
]


@pytest.mark.parametrize(
    ('body', 'masked', 'content_type', 'kind'), KINDS, ids=[type(row[0]).__name__ for row in KINDS]
)
def test_every_kind_of_body(
    body: Any, masked: Any, content_type: str | None, kind: str | None
) -> None:
    """Each has its content type, digest, identity in the key, and redaction."""
    made = Descriptor(url=URL, method='POST', body=body)
    assert made.redacted().body == masked
    assert content_type_of(body) == content_type
    named, digest = body_digest(body)
    assert named == kind
    assert (digest is None) == (kind in {None, 'multipart'})
    assert (json.loads(identity(made))['body'] is None) == (kind is None)


@pytest.mark.parametrize(
    ('value', 'part'),
    [
        ('x', ContentPart(name='n', content=b'x')),
        (b'x', ContentPart(name='n', content=b'x')),
        (1.5, ContentPart(name='n', content=b'1.5')),
        (PurePosixPath('/d/x.csv'), FilePart(name='n', path='/d/x.csv', filename='x.csv')),
        (ContentPart(name='m', content=b''), ContentPart(name='m', content=b'')),
        (None, None), ('\ud800', None), ([1], None),
        (ContentPart(name='m', content=b'', filename='a\nb'), None),
        (FilePart(name='m', path='x', filename='x', content_type='a\nb'), None),
    ],
)  # fmt: skip
def test_parts(value: Any, part: Any) -> None:
    """Text, bytes, numbers, paths and ready parts, without control characters in names."""
    read = parse_multipart({'n': value})
    assert read.map(lambda body: body.parts).value_or(None) == (None if part is None else (part,))
    assert parse_multipart([('n', 'x'), ('n', 'y')]).unwrap().boundary != PARTS.boundary


def test_files_are_known_by_content_or_by_path() -> None:
    """A file with a known digest has the same key at any path."""

    def key(**seen: Any) -> str:
        part = FilePart(**{'name': 'f', 'filename': 'y', 'path': '/x/y', **seen})
        return cache_key(Descriptor(url=URL, method='POST', body=MultipartBody((part,))))

    assert key() != key(path='/z/y')
    assert key(sha256='ab') == key(path='/z/y', sha256='ab')
    assert key(sha256='ab') != key(sha256='cd')


def test_large_numbers_have_different_keys() -> None:
    """Integers beyond the exact range of doubles differ from each other and from texts."""
    values = [2**60, 2**60 + 1, 2.0**60, ['int', str(2**60)], {'a': 2**60}, None]
    keys = {cache_key(a_descriptor(query={}, json={'v': value})) for value in values}
    assert len(keys) == len(values)


def test_readers_work_alone() -> None:
    """Each parser names its argument in a fault."""
    assert parse_pairs({'a': 1}, 'x').unwrap() == (('a', '1'),)
    assert parse_json(None, 'x').unwrap() == JsonBody('null')


@pytest.mark.parametrize('where', ['query', 'post'])
def test_a_whole_number_that_cannot_be_written_is_named(where: str) -> None:
    """Python does not format integers of more than 4,300 digits."""
    given: Any = {where: {'a': 10**5_000}}
    assert f"{where}['a']" in str(Descriptor.parse('http://h/', **given).failure())
