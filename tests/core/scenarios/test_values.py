"""Destinations, bodies, requests and records: their faults and their fields."""

from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pytest

from dlmachine.core.cache.record import parse_record
from dlmachine.core.cache.updates import flat_attributes
from dlmachine.core.decision.part_location import may_need_part
from dlmachine.core.faults import CacheUnusable, DestinationUnusable, InvalidInput
from dlmachine.core.http.body import (
    FORM_TYPE,
    ContentPart,
    FilePart,
    FormBody,
    JsonBody,
    MultipartBody,
    NoBody,
    RawBody,
    body_pairs,
    parse_json,
    parse_multipart,
    parse_pairs,
)
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request, Tls, basic_credentials
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import PathKind, ToPath, parse_destination, resolve_destination
from tests.builders import (
    DIGEST,
    NOW,
    OTHER_DIGEST,
    URL,
    a_cache,
    a_path,
    a_policy,
    a_record,
    an_entry,
)


@pytest.mark.parametrize('dest', ['', 'a\0b', 7, b'/d'])
def test_a_wrong_destination_is_called_dest(dest: Any) -> None:
    """The fault names the keyword."""
    fault = parse_destination(dest).failure()
    assert isinstance(fault, InvalidInput)
    assert fault.where == 'dest'


def test_a_foreign_type_of_destination_is_named() -> None:
    """The fault names the type of the value."""
    fault = parse_destination(b'/d').failure()
    assert isinstance(fault, InvalidInput)
    assert fault.problem.endswith(', not bytes')


@pytest.mark.parametrize(
    ('path', 'kind', 'blocker'),
    [
        ('/d/x/', PathKind.FILE, None),
        ('/d/x', PathKind.OTHER, None),
        ('/d/x', PathKind.MISSING, '/d'),
    ],
)
def test_unusable_destination_is_named(path: str, kind: PathKind, blocker: str | None) -> None:
    """The fault has the path as passed, and the file in its way."""
    fault = resolve_destination(ToPath(path), None, a_path(kind, blocker))
    assert isinstance(fault, DestinationUnusable)
    assert fault.path == path
    assert (blocker or 'is ') in fault.problem


@pytest.mark.parametrize(
    ('word', 'made'),
    [
        ({'verify': False}, Descriptor(url=URL, tls=Tls(verify=False))),
        ({'post': True}, Descriptor(url=URL, method='POST', body=FormBody(()))),
        ({'json': True}, Descriptor(url=URL, method='POST', body=JsonBody('null'))),
    ],
)
def test_one_word_alone_counts(word: dict[str, Any], made: Descriptor) -> None:
    """A single keyword is used although it is neither text nor a value."""
    assert Descriptor.parse(URL, **word).unwrap() == made


def test_all_words_at_once_are_a_contradiction() -> None:
    """A request has one body."""
    fault = Descriptor.parse(
        URL, method='POST', query={}, multipart={'n': 'x'}, data=b'x', headers={}, cainfo='a', cert='c',
        key='k', mirrors=[], body=NoBody(), tls=Tls(),
    ).failure()  # fmt: skip
    assert isinstance(fault, InvalidInput)
    assert fault.where == 'body'


def test_a_text_is_sent_as_it_is() -> None:
    """A lone surrogate, which strict UTF-8 cannot encode, is sent too."""
    text, written = 'a\ud800', b'a\xed\xa0\x80'
    assert Descriptor.parse(URL, data=text).unwrap().body == RawBody(written)
    assert Descriptor.parse(URL, post=text).unwrap().body == RawBody(written, FORM_TYPE)


@pytest.mark.parametrize(
    ('given', 'where', 'problem'),
    [
        ({'data': 7}, 'data', 'must be text or bytes, not int'),
        ({'query': 7}, 'query', 'must be a mapping or pairs, not int'),
        (
            {'post': {}, 'data': b''},
            'body',
            'is given by post and data, but a request has one body',
        ),
        ({'mirrors': 7}, 'mirrors', 'must be a list of URLs, not int'),
        ({'cert': 7}, 'cert', 'must be a path, not int'),
        (
            {'method': 'get it'},
            'method',
            "must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, not 'get it'",
        ),
    ],
)
def test_faults_of_descriptors(given: dict[str, Any], where: str, problem: str) -> None:
    """The fault names the arguments of the caller."""
    fault = Descriptor.parse(URL, **given).failure()
    assert isinstance(fault, InvalidInput)
    assert (fault.where, fault.problem) == (where, problem)


def test_parts_of_a_mapping_keep_their_order() -> None:
    """Some servers depend on the order of parts; a query from a mapping is sorted."""
    parts = parse_multipart({'b': 'x', 'a': 'y'}).unwrap().parts
    assert [part.name for part in parts] == ['b', 'a']
    assert parse_pairs({'b': 'x', 'a': 'y'}, 'query').unwrap() == (('a', 'y'), ('b', 'x'))
    assert parse_pairs({2: 'x', '10': 'y'}, 'query').unwrap() == (('10', 'y'), ('2', 'x'))


@pytest.mark.parametrize(
    'value',
    [
        None,
        '\ud800',
        [1],
        ContentPart(name='n', content=b'', filename='a\nb'),
        FilePart(name='n', path='x', filename='x', content_type='a\nb'),
    ],
)
def test_a_wrong_part_is_named(value: Any) -> None:
    """The fault names the part."""
    fault = parse_multipart({'n': value}).failure()
    assert isinstance(fault, InvalidInput)
    assert fault.where == "multipart['n']"


@pytest.mark.parametrize('given', [None, [], {}, 'x', 7, [('a',)], ['ab']])
def test_an_invalid_form_is_a_fault(given: Any) -> None:
    """The fault names the argument; a text of two letters is not a pair."""
    fault = parse_multipart(given).failure()
    assert isinstance(fault, InvalidInput)
    assert fault.where == 'multipart'


def test_type_of_a_wrong_part_is_shown() -> None:
    """The fault has the type of the value."""
    fault = parse_multipart({'n': [1]}).failure()
    assert isinstance(fault, InvalidInput)
    assert fault.problem == 'must be text, bytes or a path, not list'


def test_name_of_a_part_becomes_text() -> None:
    """The name is converted to text, as in a query."""
    assert parse_multipart([(7, PurePosixPath('/d/x'))]).unwrap() == MultipartBody(
        (FilePart(name='7', path='/d/x', filename='x'),)
    )


def deep(levels: int) -> list[Any]:
    """Lists nested this deep."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_json_may_have_a_hundred_levels() -> None:
    """Deeper JSON could exceed the recursion limit when it is compared."""
    assert parse_json(deep(100), 'json').unwrap() == JsonBody('[' * 100 + ']' * 100)
    fault = parse_json(deep(101), 'json').failure()
    assert isinstance(fault, InvalidInput)
    assert (fault.where, fault.problem) == ('json', 'has more than 100 levels')
    assert parse_json({'a': deep(99)}, 'json').value_or(None) is not None
    assert parse_json({'a': deep(100)}, 'json').value_or(None) is None


def test_what_names_its_values_is_read_by_name() -> None:
    """Invalid UTF-8 is decoded with replacements; a single value has no name."""
    part = ContentPart(name='n', content=b'a\xff')
    assert list(body_pairs(MultipartBody((part,)))) == [('n', 'a\ufffd')]
    assert list(body_pairs(JsonBody('"x"'))) == [('', 'x')]


def test_a_colon_may_be_in_a_password() -> None:
    """RFC 7617 section 2: the first colon ends the user name."""
    assert basic_credentials('me:p:w') == 'Basic bWU6cDp3'
    assert basic_credentials('me') == 'Basic bWU6'
    assert basic_credentials('m%40e:p%3aw') == 'Basic bUBlOnA6dw=='


def test_redacted_request_keeps_other_fields() -> None:
    """Method, URL, fields and TLS are kept; the body, which may be secret, is not."""
    fields = Headers((('Accept', '*/*'), ('Authorization', 'Bearer t0ken')))
    tls = Tls(verify=False)
    body = FormBody((('a', 'b'),))
    asked = Request(method='POST', url='https://h/?sig=x', headers=fields, body=body, tls=tls)
    assert asked.redacted() == Request(
        method='POST',
        url='https://h/?sig=***',
        headers=Headers((('Accept', '*/*'), ('Authorization', '***'))),
        body=NoBody(),
        tls=tls,
    )


def test_unreadable_record_has_no_path() -> None:
    """The fault has no path: the caller knows the row."""
    assert parse_record('{}').failure() == CacheUnusable(path='', problem='a record cannot be read')


def test_a_record_keeps_letters_as_they_are() -> None:
    """Users read records in the registry."""
    assert 'Größe.csv' in a_record(filename='Größe.csv').to_json()


def test_a_record_that_was_never_confirmed_is_read_back() -> None:
    """Most records have no time of validation."""
    record = a_record(validated_at=None)
    assert parse_record(record.to_json()).unwrap() == record


def test_a_part_could_matter_where_the_stored_copy_has_another_digest() -> None:
    """The stored copy is then not used."""
    cache = a_cache(an_entry())
    assert may_need_part(a_policy(checksum=Checksum('sha256', OTHER_DIGEST)), cache, None, NOW)
    assert not may_need_part(a_policy(checksum=Checksum('sha256', DIGEST)), cache, None, NOW)


@pytest.mark.parametrize('stored', [{}, {'urls': []}])
def test_a_record_may_leave_out_what_has_a_default(stored: dict[str, Any]) -> None:
    """Earlier records lack the fields of later versions."""
    text = (
        '{"v": 1, "url": "http://h/", "size_bytes": 3,'
        f' "sha256": "{"ab" * 32}",'
        ' "started_at": "2024-04-01T12:00:00+00:00", "finished_at": "2024-04-01T12:00:00+00:00"'
        + ''.join(f', "{name}": []' for name in stored)
        + '}'
    )
    read = parse_record(text).unwrap()
    assert (read.urls, read.tries, read.http_code, read.verified_tls) == ((), 1, 200, True)
    texts = (
        read.served_by,
        read.filename,
        read.backend,
        read.backend_version,
        read.dlmachine_version,
    )
    assert (read.method, *texts) == ('GET', '', '', '', '', '')


def test_times_of_attributes_are_in_seconds() -> None:
    """The times have no fractions of a second."""
    at = datetime(2024, 4, 1, 12, 0, 1, 500_000, tzinfo=UTC)
    stored = flat_attributes(a_record(started_at=at))
    assert stored['download_started'] == '2024-04-01 12:00:01'


def test_the_date_of_the_server_is_a_flat_attribute() -> None:
    """The name of the attribute does not change."""
    stored = flat_attributes(a_record(last_modified='Mon, 01 Apr 2024 00:00:00 GMT', etag=None))
    assert stored['last_modified'] == 'Mon, 01 Apr 2024 00:00:00 GMT'
    assert 'etag' not in stored
