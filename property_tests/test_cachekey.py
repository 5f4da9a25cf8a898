"""The cache key: what it depends on, and what it ignores."""

import json
from dataclasses import replace
from typing import Any

import rfc8785
from hypothesis import assume, given
from hypothesis import strategies as st

from dlmachine.core.cache.key import VOLATILE_HEADERS, cache_key, identity
from dlmachine.core.spec.descriptor import METHODS, Descriptor
from dlmachine.core.spec.key_names import is_named
from property_tests import strategies as of

plain_pairs = st.lists(st.tuples(of.plain_names, of.line_texts), max_size=4)


def key_of(url: str, **described: Any) -> str:
    """The key of what a caller describes."""
    return Descriptor.parse(url, **described).map(cache_key).unwrap()


@given(of.urls, plain_pairs, st.randoms(use_true_random=False))
def test_header_case_and_order_do_not_count(
    url: str, sent: list[tuple[str, str]], chance: Any
) -> None:
    """Header fields in another case and order have the same key."""
    sent = [(name, value.encode('latin-1', 'ignore').decode('latin-1')) for name, value in sent]
    otherwise = [(name.swapcase(), value) for name, value in sent]
    chance.shuffle(otherwise)
    assert key_of(url, headers=sent) == key_of(url, headers=otherwise)


@given(of.urls, st.dictionaries(of.names, of.line_texts, max_size=4), st.booleans())
def test_the_order_of_a_mapping_does_not_count(url: str, query: dict[str, str], post: bool) -> None:
    """The order of a mapping has no meaning, neither as query nor as form."""
    backwards = dict(reversed(query.items()))
    assert key_of(url, query=query, post=post) == key_of(url, query=backwards, post=post)


@given(of.descriptors(), st.lists(of.urls, max_size=2), of.values)
def test_the_way_does_not_count(descriptor: Descriptor, mirrors: list[str], agent: str) -> None:
    """Mirrors, TLS, User-Agent, Accept-Encoding and the like do not change the key."""
    headers = descriptor.headers.with_field('User-Agent', agent).with_field(
        'accept-encoding', 'gzip'
    )
    other = Descriptor(
        url=descriptor.url,
        method=descriptor.method,
        query=descriptor.query,
        headers=headers,
        body=descriptor.body,
        tls=Descriptor.parse(descriptor.url, verify=False, cainfo='/ca.pem').unwrap().tls,
        mirrors=Descriptor.parse(descriptor.url, mirrors=mirrors).unwrap().mirrors,
    )
    assume(not {name.casefold() for name, _ in descriptor.headers} & VOLATILE_HEADERS)
    assert cache_key(descriptor) == cache_key(other)


@given(of.descriptors(), of.names, of.line_texts, of.line_texts, of.names, of.values, of.values)
def test_a_rotated_token_leaves_the_key(
    descriptor: Descriptor, token: str, old: str, new: str, field: str, one: str, two: str
) -> None:
    """A parameter and a field that are left out do not count, whatever their values are."""
    assume(token.strip('*') and token == token.strip() and not {*token} & {*', \t\r\n'})
    ignored: dict[str, Any] = {'key_ignores_query': (token,), 'key_without': (field.casefold(),)}

    def sent(value: str, header: str) -> Descriptor:
        return replace(
            descriptor,
            query=(*descriptor.query, (token, value)),
            headers=descriptor.headers.with_field(field, header),
            **ignored,
        )

    assert cache_key(sent(old, one)) == cache_key(sent(new, two))
    rest = replace(
        descriptor,
        query=tuple(pair for pair in descriptor.query if not is_named(pair[0], (token,))),
        headers=descriptor.headers.without(field),
        **ignored,
    )
    assert cache_key(sent(old, one)) == cache_key(rest)


@given(of.descriptors(), of.line_texts, of.line_texts)
def test_another_value_changes_the_key(descriptor: Descriptor, one: str, two: str) -> None:
    """What is not named counts, beside what is."""
    assume(one != two)

    def key(value: str) -> str:
        query = (*descriptor.query, ('token', value), ('ids', value))
        return cache_key(replace(descriptor, query=query, key_ignores_query=('token',)))

    assert key(one) != key(two)


@given(of.descriptors(), of.names)
def test_names_without_effect_leave_the_key(descriptor: Descriptor, name: str) -> None:
    """The key of a request that has nothing of these names is as it always was."""
    absent = f'{name}-that-nothing-has'
    names: dict[str, Any] = {'key_without': (absent.casefold(),), 'key_ignores_query': (absent,)}
    assert identity(replace(descriptor, **names)) == identity(descriptor)


@given(of.descriptors(), of.descriptors())
def test_different_downloads_have_different_keys(one: Descriptor, two: Descriptor) -> None:
    """Equal keys mean equal values of all fields that count."""
    if cache_key(one) == cache_key(two):
        assert one.method == two.method
        assert one.url.partition('?')[0] == two.url.partition('?')[0]
        assert type(one.body) is type(two.body)


@given(st.sets(st.sampled_from(METHODS[2:]), min_size=2, max_size=2), of.urls)
def test_the_method_counts(methods: set[str], url: str) -> None:
    """The same body sent by another method has another key."""
    one, two = methods
    assert key_of(url, data=b'x', method=one) != key_of(url, data=b'x', method=two)


@given(
    st.lists(st.integers(0, 5), max_size=4), st.lists(st.integers(0, 5), max_size=4), st.booleans()
)
def test_the_order_of_a_list_counts(one: list[int], two: list[int], post: bool) -> None:
    """Lists with other members, or in another order, have other keys."""
    same = key_of('http://h/', query={'a': one}, post=post) == key_of(
        'http://h/', query={'a': two}, post=post
    )
    assert same == (one == two)


@given(of.jsons, of.jsons)
def test_types_in_json_count(one: Any, two: Any) -> None:
    """1, 1.0, True and '1' differ; only equal JSON texts have equal keys."""
    given_json = [{'value': value} for value in (one, two)]
    keys = [key_of('http://h/', json=value) for value in given_json]
    assert (keys[0] == keys[1]) == (_typed(one) == _typed(two))


def _typed(value: Any) -> Any:
    match value:
        case list():
            return ['list', *map(_typed, value)]
        case dict():
            return {name: _typed(one) for name, one in value.items()}
        case float():
            return ('float', repr(value))
        case _:
            return (type(value).__name__, value)


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_raw_bodies_count(one: bytes, two: bytes) -> None:
    """Other bytes have another key."""
    assert (key_of('http://h/', data=one) == key_of('http://h/', data=two)) == (one == two)


@given(of.descriptors())
def test_the_short_way_writes_the_same_text(target: Descriptor) -> None:
    """The fast path writes the same text as RFC 8785."""
    assert rfc8785.dumps(json.loads(identity(target))) == identity(target)
