"""The canonical JSON of a cache key, byte for byte."""

from typing import Any

import pytest

from dlmachine.core.cache.key import cache_key, identity, keyed_by_vary, without_signature
from dlmachine.core.http.body import (
    Body,
    ContentPart,
    FilePart,
    FormBody,
    JsonBody,
    MultipartBody,
    RawBody,
)
from dlmachine.core.spec.descriptor import Descriptor
from tests.builders import URL, a_descriptor

SHA_OF_X = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'

BODIES: list[tuple[Body, str]] = [
    (FormBody((('a', '1'), ('a', '2'))), '["form",[["a","1"],["a","2"]]]'),
    (JsonBody('{"b":[1,1.5,null,true],"a":"t"}'), '["json",{"a":"t","b":["list",1,["float","1.5"],null,true]}]'),
    (JsonBody('[9007199254740991,9007199254740992]'), '["json",["list",9007199254740991,["int","9007199254740992"]]]'),
    (JsonBody('[-9007199254740991,-9007199254740992]'), '["json",["list",-9007199254740991,["int","-9007199254740992"]]]'),
    (RawBody(b'x', 'text/csv'), f'["raw","text/csv","{SHA_OF_X}"]'),
    (MultipartBody((ContentPart(name='n', content=b'x'),)), f'["multipart",[["n",null,null,"content","{SHA_OF_X}"]]]'),
    (MultipartBody((FilePart(name='n', path='/d/y', filename='y'),)), '["multipart",[["n","y",null,"path","/d/y"]]]'),
    (MultipartBody((FilePart(name='n', path='/d/y', filename='y', sha256='ab'),)), '["multipart",[["n","y",null,"content","ab"]]]'),
]  # fmt: skip


@pytest.mark.parametrize('more', [{}, {'headers': {'X-Own': '1'}}])
def test_the_key_of_a_doi(more: Any) -> None:
    """DOI, version and file count, and how the DOI is written does not."""
    keys = {
        url: cache_key(Descriptor.parse(url, **more).unwrap())
        for url in (
            'doi:10.5281/zenodo.42/a b.csv',
            'DOI:10.5281/Zenodo.42/a%20b.csv',
            'https://doi.org/10.5281/ZENODO.42/a%20b.csv',
            'http://dx.doi.org/10.5281/zenodo.42/a%20b.csv',
            'doi:10.5281/zenodo.42/A b.csv',
            'doi:10.5281/zenodo.42',
            'doi:10.5281/zenodo.43/a b.csv',
            'doi:10.6084/m9.figshare.42/a b.csv',
            'doi:10.6084/m9.figshare.42.v2/a b.csv',
            'doi:10.6084/M9.Figshare.42.V2/a b.csv',
            'https://doi.org/10.1000/182',
            'https://h.org/?next=https://doi.org/10.5281/zenodo.42/a%20b.csv',
        )
    }
    found = list(keys.values())
    assert len(set(found[:4])) == 1
    assert found[8] == found[9]
    assert len(set(found)) == len(found) - 4


@pytest.mark.parametrize(('body', 'written'), BODIES, ids=[written for _, written in BODIES])
def test_the_identity_of_a_body(body: Body, written: str) -> None:
    """If it changed, stored copies would not be found."""
    sent = Descriptor(url=URL, method='POST', body=body)
    expected = f'{{"body":{written},"headers":[],"method":"POST","url":"{URL}","v":1}}'
    assert identity(sent).decode() == expected


def test_the_identity_without_a_body() -> None:
    """Headers are sorted, their names in lower case; the query stands in the URL."""
    sent = a_descriptor(query={'q': 'a b'}, headers={'X-Lab': 'Ä', 'Accept': 'text/csv'})
    headers = '[["accept","text/csv"],["x-lab","Ä"]]'
    expected = f'{{"body":null,"headers":{headers},"method":"GET","url":"{URL}?q=a+b","v":1}}'
    assert identity(sent).decode() == expected


@pytest.mark.parametrize('url', [URL, f'{URL}?q="', f'{URL}?q=\\', f'{URL}?q=ä', f'{URL}?q=#'])
def test_the_short_way_writes_what_the_long_way_writes(url: str) -> None:
    """The fast path for plain downloads writes the same text as rfc8785."""
    plain = Descriptor(url=url)
    assert identity(plain) == identity(a_long_way(url))
    assert identity(plain) != identity(Descriptor(url=url, method='PUT'))


def a_long_way(url: str) -> Descriptor:
    """The same download with a volatile header, which makes the fast path impossible."""
    return Descriptor(url=url, headers=a_descriptor(headers={'User-Agent': 'x'}).headers)


def test_a_query_is_added_to_the_one_that_is_there() -> None:
    """The descriptor's query is appended to the query of the URL."""
    assert f'"{URL}?a=1&b=2"' in identity(a_descriptor(f'{URL}?a=1', query={'b': 2})).decode()


LEFT_OUT: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (f'{URL}?token=1', {'key_ignores_query': ['token']}, URL, {}),
    (f'{URL}?a=1&X-Amz-Date=2', {'key_ignores_query': ['X-Amz-*']}, f'{URL}?a=1', {}),
    (f'{URL}?a=1', {'query': {'token': 'x'}, 'key_ignores_query': ['token']}, f'{URL}?a=1', {}),
    (f'{URL}?token=1', {'key_ignores_query': ['Token']}, f'{URL}?token=1', {}),
    (URL, {'headers': {'Cookie': 'a', 'X-Lab': '1'}, 'key_without': ['cookie']}, URL, {'headers': {'X-Lab': '1'}}),
    (URL, {'headers': {'AUTHORIZATION': 'a'}, 'key_without': ['Authorization']}, URL, {}),
    (URL, {'headers': {'X-Amz-A': 'a'}, 'key_without': ['x-amz-*']}, URL, {}),
    ('https://me:pw@h/x?a=1', {'key_without': ['Auth*']}, 'https://h/x?a=1', {}),
    ('https://me:pw@h/x', {'key_without': ['Cookie']}, 'https://me:pw@h/x', {}),
    ('ftp://me:pw@h/x', {'key_without': ['Authorization']}, 'ftp://me:pw@h/x', {}),
    (f'{URL}?q=ä', {'key_ignores_query': ['token'], 'key_without': ['Cookie']}, f'{URL}?q=ä', {}),
    (URL, {'query': {'token': 'x'}, 'post': True, 'key_ignores_query': ['token']}, URL, {'query': {'token': 'x'}, 'post': True}),
]  # fmt: skip


@pytest.mark.parametrize(('url', 'described', 'rest', 'plain'), LEFT_OUT)
def test_names_are_left_out(
    url: str, described: dict[str, Any], rest: str, plain: dict[str, Any]
) -> None:
    """The key is that of the request without what they name; forms are not queries."""
    made, expected = a_descriptor(url, **described), a_descriptor(rest, **plain)
    assert identity(made) == identity(expected)
    assert cache_key(made) == cache_key(expected)


MINE = {'headers': {'X-Mine': 's', 'Accept': 'a', 'Cookie': 'c'}, 'secret_names': ['x-mine']}
WRITTEN: list[tuple[dict[str, Any], bool, str, str]] = [
    ({'method': 'HEAD', 'headers': {'A': 'b'}}, False, 'GET', '["a","b"]'),
    ({'auth': {'bearer': 'env:T'}}, False, 'GET', '["auth","bearer","","env:T"]'),
    ({'auth': ('me', 'pw'), 'key_without': ['Auth*']}, False, 'GET', ''),
    (MINE, True, 'GET', '["cookie","c"],["x-mine","s"],["vary"]'),
    ({'auth': ('me', 'pw'), **MINE}, True, 'GET', '["cookie","c"],["x-mine","s"],["auth","basic","me","pw"],["vary"]'),
    ({'headers': {'Cookie': 'c'}}, True, 'GET', '["cookie","c"]'),
    ({'method': 'PUT', 'headers': {'Accept': 'a'}}, True, 'PUT', '["vary"]'),
]  # fmt: skip


@pytest.mark.parametrize(('described', 'is_by_vary', 'method', 'headers'), WRITTEN)
def test_the_identity_of_credentials(
    described: dict[str, Any], method: str, headers: str, *, is_by_vary: bool
) -> None:
    """If it changed, stored copies would not be found; a key of variants has only credentials."""
    asked = a_descriptor(**described)
    written = identity(keyed_by_vary(asked) if is_by_vary else asked).decode()
    expected = f'{{"body":null,"headers":[{headers}],"method":"{method}","url":"{URL}","v":1}}'
    assert written == expected


def test_variants_with_a_body_have_keys_of_their_own() -> None:
    """The body is part of the request."""
    asked = Descriptor(url=URL, method='POST', body=RawBody(b'x', 'text/csv'), key_by_vary=True)
    assert f'"body":["raw","text/csv","{SHA_OF_X}"]' in identity(asked).decode()


@pytest.mark.parametrize('query', ['X-Amz-Date=1&X-Amz-Signature=ab==', 'X-Amz-Signature=a&q=b?c'])
def test_a_signature_is_found_whatever_is_in_its_value(query: str) -> None:
    """An equals sign or a question mark."""
    rest = '?q=b?c' if 'q=b' in query else ''
    signed = without_signature(Descriptor(url=f'{URL}?{query}'))
    assert cache_key(signed) == cache_key(Descriptor(url=f'{URL}{rest}'))


@pytest.mark.parametrize('described', [{}, {'headers': {'X-Lab': '7'}}, {'query': {'a': 1}}])
def test_a_key_is_a_sha256_in_hex(described: dict[str, Any]) -> None:
    """A key has 64 hex digits."""
    key = cache_key(a_descriptor(**described))
    assert len(key) == 64
    assert set(key) <= set('0123456789abcdef')


def test_the_hash_of_a_descriptor_is_of_all_its_parts() -> None:
    """Equal descriptors have equal hashes, and different ones usually have different hashes."""
    many = [a_descriptor(f'{URL}?{number}') for number in range(20)]
    assert len({hash(one) for one in many}) > 1
    assert hash(a_descriptor()) == hash(a_descriptor())
