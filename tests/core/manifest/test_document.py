"""The parts of a manifest: entries, variables, and the base URL."""

from typing import Any

import pytest

from dlmachine.core.manifest.document import Document, fill_variables, join_base, parse_document


def test_base_url_and_variables_stand_beside_the_entries() -> None:
    """They are not entries; a base URL may also stand in the defaults."""
    for place in ({'base_url': 'b'}, {'defaults': {'base_url': 'b'}}):
        value = {'variables': {'v': '1.2', 'n': 3}, 'table': 'http://h/a', **place}

        found = parse_document(value, 'x.toml').unwrap()

        assert [label for label, _ in found.entries] == ["entry 'table'"]
        assert found.base_url == 'b'
        assert found.variables == {'v': '1.2', 'n': '3'}
        assert found.defaults == {}


@pytest.mark.parametrize(
    ('variables', 'problem'),
    [
        ({'v': 1.1}, "has 'v', which must be text, not 1.1"),
        ({'v': True}, "has 'v', which must be text, not True"),
        (['v'], 'must be a mapping of names to texts, not list'),
    ],
)
def test_a_variable_is_text(variables: object, problem: str) -> None:
    """A number with a fraction loses its last zeros, so 1.10 would become 1.1."""
    found: Any = parse_document({'variables': variables, 'a': 'http://h/a'}, 'x.toml').failure()

    assert (found.where, found.problem) == ('x.toml, variables', problem)
    assert found.advice == ('' if isinstance(variables, list) else 'Put it between quotation marks')


def test_variables_are_filled_into_urls_and_paths_only() -> None:
    """Also into each mirror; other values, and other braces, stay as they are."""
    words = {
        'url': '{a}/{b-c}', 'path': '{a}', 'mirrors': ['x/{a}', 5], 'checksum_file': '{a}.md5',
        'base_url': None, 'name': '{a}', 'query': {'q': '{a}'},
    }  # fmt: skip

    filled = fill_variables(words, {'a': '{b-c}', 'b-c': '2'}).unwrap()

    assert filled == {
        'url': '{b-c}/2', 'path': '{b-c}', 'mirrors': ['x/{b-c}', 5], 'checksum_file': '{b-c}.md5',
        'base_url': None, 'name': '{a}', 'query': {'q': '{a}'},
    }  # fmt: skip


@pytest.mark.parametrize(
    ('text', 'filled'), [('a{{b', 'a{b'), ('a}}b', 'a}b'), ('{{{v}}}', '{2}'), ('a{ b}', 'a{ b}')]
)
def test_a_double_brace_is_one(text: str, filled: str) -> None:
    """Whatever stands before it."""
    words = {'name': 'x', 'path': 'plain', 'url': text}
    assert fill_variables(words, {'v': '2'}).unwrap() == {**words, 'url': filled}


def test_what_has_no_braces_stays() -> None:
    """And so does what is not text."""
    words = {'url': 'http://h/x', 'path': None, 'mirrors': [1], 'name': '{v}'}
    assert fill_variables(words, {}).unwrap() == words


def test_an_unknown_variable_is_named_with_the_known_ones() -> None:
    """It is most likely misspelt."""
    found: Any = fill_variables({'path': 'a/{verison}'}, {}).failure()

    assert found.where == 'path'
    assert found.problem == "has the variable 'verison', which is not defined (defined: none)"
    assert found.advice == 'Define it in [variables]: verison = "..."'
    found = fill_variables({'path': '{w}'}, {'u': '1', 'v': '2'}).failure()
    assert found.problem == "has the variable 'w', which is not defined (defined: u, v)"


@pytest.mark.parametrize(
    ('base', 'url', 'joined'),
    [
        ('https://h/v1/', 'a/t.csv', 'https://h/v1/a/t.csv'),
        ('https://h/v1', 't.csv', 'https://h/t.csv'),
        ('https://h/v1/', '/t.csv', 'https://h/t.csv'),
        ('https://h/v1/', '../t.csv', 'https://h/t.csv'),
        ('https://h/v1/', '//g/t.csv', 'https://g/t.csv'),
        ('https://h/v1/', 'http://g/t.csv', 'http://g/t.csv'),
        ('https://me:pw@h/v1/', 't.csv', 'https://me:pw@h/v1/t.csv'),
        ('ftp://h/v1/', 't.csv', 'ftp://h/v1/t.csv'),
        ('https://h/v1/', '?x=1', 'https://h/v1/?x=1'),
        ('https://h/v1/', '//[', '//['),
        ('https://h/v1/', 5, 5),
        (None, 't.csv', 't.csv'),
    ],
)
def test_a_url_is_resolved_as_in_rfc_3986(base: object, url: object, joined: object) -> None:
    """Section 5.2; what is not a URL is refused later, with its problem."""
    assert join_base(base, {'url': url}).unwrap() == {'url': joined}


def test_a_base_must_be_a_url() -> None:
    """The fault names the argument."""
    found: Any = join_base('h/v1/', {'url': 't.csv'}).failure()

    assert (found.where, found.problem) == ('base_url', "'h/v1/' has no scheme")


@pytest.mark.parametrize(
    ('value', 'entries'),
    [
        (['http://h/a', 5], [('entry 1', {'url': 'http://h/a'}), ('entry 2', 5)]),
        ({'download': ['http://h/a']}, [('entry 1', {'url': 'http://h/a'})]),
        ({'downloads': {'a': 'http://h/a'}}, [("entry 'a'", {'name': 'a', 'url': 'http://h/a'})]),
        ({'download': 'http://h/a'}, [("entry 'download'", {'name': 'download', 'url': 'http://h/a'})]),
        ({'a': {'url': 'u'}, 'b': 5}, [("entry 'a'", {'name': 'a', 'url': 'u'}), ("entry 'b'", 5)]),
        ({'url': 'http://h/a'}, [('entry', {'url': 'http://h/a'})]),
        ({'downloads': 5}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_every_form_of_entries_is_found(value: object, entries: list[tuple[str, object]]) -> None:
    """Lists, tables, names, and a single entry."""
    assert list(parse_document(value, 'x').unwrap().entries) == entries


@pytest.mark.parametrize('value', [5, None, {'defaults': 5}])
def test_another_value_has_no_downloads(value: object) -> None:
    """The fault names the file."""
    found: Any = parse_document(value, 'x.json').failure()

    assert (found.where, found.problem, found.advice) == (
        'x.json',
        'has no downloads',
        'Use [[download]] entries, a list of URLs, or a mapping of names to entries',
    )


def test_a_list_has_neither_defaults_nor_variables() -> None:
    """Only entries."""
    assert parse_document(['http://h/a'], 'x').unwrap() == Document(
        entries=(('entry 1', {'url': 'http://h/a'}),), defaults={}, variables={}
    )


def test_defaults_have_names() -> None:
    """All of theirs but the base URL."""
    value = {'defaults': {'retries': 3, 'base_url': 'b'}, 'a': 'http://h/a'}
    assert parse_document(value, 'x').unwrap().defaults == {'retries': 3}
