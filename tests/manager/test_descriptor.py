"""The public Descriptor: a constructor that raises, files, equality with the core's."""

import pickle
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

import dlmachine as dm
from dlmachine.core.cache.key import cache_key
from dlmachine.core.http.body import ContentPart, FilePart, FormBody, JsonBody, MultipartBody
from dlmachine.core.spec import descriptor as core
from dlmachine.errors import RequestError

URL = 'https://example.org/api'


@pytest.mark.parametrize(
    ('words', 'method', 'body'),
    [
        ({'query': {'a': 1}}, 'GET', None),
        ({'query': {'a': 1}, 'post': True}, 'POST', FormBody((('a', '1'),))),
        ({'query': {'a': 1}, 'json': True}, 'POST', JsonBody('{"a":1}')),
        ({'json': [1]}, 'POST', JsonBody('[1]')),
        ({'data': b'x', 'method': 'PUT'}, 'PUT', None),
    ],
)
def test_what_the_words_mean(words: dict[str, object], method: str, body: object) -> None:
    """`query` is a query string, a form or a JSON body, by `post` and `json`."""
    made = dm.Descriptor(URL, **words)  # type: ignore[arg-type]

    assert made.method == method
    if body is not None:
        assert made.body == body


@pytest.mark.parametrize(
    'headers',
    [{'X-Id': '7'}, [('X-Id', '7')], ['X-Id: 7']],
    ids=['mapping', 'pairs', 'lines'],
)
def test_headers_in_three_forms(headers: object) -> None:
    """A mapping, pairs and lines are equivalent."""
    assert dm.Descriptor(URL, headers=headers).headers.items == (('X-Id', '7'),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ('words', 'where'),
    [
        ({'url': 'https://h/a\r\nb'}, 'url'),
        ({'url': 'h/a'}, 'url'),
        ({'headers': {'A': 'x\ny'}}, "headers['A']"),
        ({'headers': {'A\r': 'x'}}, 'headers name'),
        ({'query': {'a\n': 'x'}}, 'query name'),
        ({'query': {'a\n': 'x'}, 'post': True}, 'query name'),
        ({'mirrors': ['https://h/\n']}, 'mirrors[0]'),
        ({'multipart': {'a\r': 'x'}}, 'multipart'),
        ({'cainfo': 'a\0b'}, 'cainfo'),
        ({'json': True, 'multipart': {'a': 'b'}}, 'body'),
        ({'method': 'TRACE'}, 'method'),
        ({'headers': {'Content-Length': '1'}}, "headers['Content-Length']"),
    ],
    ids=str,
)
def test_a_refusal_names_the_argument(words: dict[str, object], where: str) -> None:
    """CR, LF, NUL and contradictions are refused, and the message names the argument."""
    with pytest.raises(RequestError) as caught:
        dm.Descriptor(**{'url': URL, **words})  # type: ignore[arg-type]

    assert str(caught.value).startswith(where)


def test_line_breaks_in_bodies_are_content() -> None:
    """A form, a JSON text or a part may contain line breaks."""
    text = 'SELECT *\nWHERE {}'

    assert dm.Descriptor(URL, query={'q': text}, post=True).body == FormBody((('q', text),))
    assert dm.Descriptor(URL, json={'q': text}).method == 'POST'
    assert dm.Descriptor(URL, multipart={'q': text}).method == 'POST'


def test_files_in_multipart(tmp_path: Path) -> None:
    """Paths and names of existing files are files; bytes never are."""
    table = tmp_path / 'ids.txt'
    table.write_bytes(b'P1')
    body = dm.Descriptor(
        URL, multipart={'a': table, 'b': str(table), 'c': bytes(table), 'd': 'no file'}
    ).body

    assert isinstance(body, MultipartBody)
    kinds = [type(part) for part in body.parts]
    assert kinds == [FilePart, FilePart, ContentPart, ContentPart]


def test_a_changed_file_is_another_request(tmp_path: Path) -> None:
    """The cache key depends on the content of a file, not on its path."""
    one, two = tmp_path / 'a' / 'f', tmp_path / 'b' / 'f'
    for place in (one, two):
        place.parent.mkdir()
        place.write_bytes(b'same')

    same = [cache_key(dm.Descriptor(URL, multipart={'f': place})) for place in (one, two)]
    one.write_bytes(b'other')

    assert same[0] == same[1]
    assert cache_key(dm.Descriptor(URL, multipart={'f': one})) != same[0]


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        (
            'd.toml',
            f'url = "{URL}"\njson = true\nfallback_urls = ["https://m.example/"]\n[query]\nids = [1, 2]\n',
        ),
        (
            'd.yaml',
            f'url: {URL}\njson: true\nmirrors: [https://m.example/]\nquery: {{ids: [1, 2]}}\n',
        ),
        (
            'd.json',
            f'{{"url": "{URL}", "json": true, "mirrors": "https://m.example/", "query": {{"ids": [1, 2]}}}}',
        ),
    ],
)
def test_from_file(tmp_path: Path, name: str, text: str) -> None:
    """TOML, YAML and JSON describe the same download."""
    (tmp_path / name).write_text(text, encoding='utf-8')

    made = dm.Descriptor.from_file(tmp_path / name)

    assert made == dm.Descriptor(
        URL, query={'ids': [1, 2]}, json=True, mirrors=['https://m.example/']
    )


@pytest.mark.parametrize(
    ('name', 'text', 'match'),
    [
        ('d.toml', 'url = "https://h/"\nheader = 1\n', "Did you mean 'headers'"),
        ('d.toml', 'json = true', 'has no url'),
        ('d.toml', 'url = ', 'd.toml'),
        ('d.txt', '', 'd.txt'),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, name: str, text: str, match: str) -> None:
    """Unknown keys, missing URLs and broken files raise, and the message names the file."""
    (tmp_path / name).write_text(text, encoding='utf-8')

    with pytest.raises(RequestError, match=match):
        dm.Descriptor.from_file(tmp_path / name)
    with pytest.raises(RequestError):
        dm.Descriptor.from_file(tmp_path / 'absent.toml')


def test_it_is_a_value() -> None:
    """Frozen, equal and hashed by value, picklable, replaceable; its repr has no secrets."""
    made = dm.Descriptor(
        'https://u:hunter2@h/',
        query={'token': 'abc123', 'a': 1},
        headers={'Cookie': 'c=1'},
        json=None,
    )

    with pytest.raises(FrozenInstanceError):
        made.url = 'x'  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(made)) == made
    assert replace(made, method='GET') == made
    assert (
        len(
            {made, core.Descriptor.parse(made.url, query=made.query, headers=made.headers).unwrap()}
        )
        == 1
    )
    assert not [word for word in ('hunter2', 'abc123', 'c=1') if word in repr(made)]


def test_a_descriptor_can_be_replaced() -> None:
    """By the function of the standard library, as every dataclass: it passes every field."""
    one = dm.Descriptor('https://example.org/x', headers={'Accept': 'text/csv'})

    assert replace(one, url='https://example.org/y') == dm.Descriptor(
        'https://example.org/y', headers={'Accept': 'text/csv'}
    )
    assert replace(one, key_by_vary=True).key_by_vary
