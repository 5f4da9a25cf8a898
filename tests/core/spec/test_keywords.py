"""Every keyword of a caller, with the field that it sets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dlmachine.core.access.auth import parse_auth
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.machine.checksum_file import MAX_LIST_BYTES
from dlmachine.core.network.network import Network
from dlmachine.core.network.proxy import Proxy
from dlmachine.core.plan.codec import dumps, loads
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.sources.address import Repositories
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.option_table import OPTIONS
from dlmachine.core.spec.options import parse_policy, split_options
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.rate_limit import Rate
from dlmachine.core.spec.reuse import (
    CheckMethod,
    Extract,
    FileTime,
    Freshness,
    IfExists,
    Link,
    RememberMissing,
    Window,
)
from tests.builders import a_descriptor, a_policy, a_snapshot

DAY = datetime(2024, 5, 1, tzinfo=UTC)
SECONDS = timedelta(seconds=7)
A_LIST = RememberMissing(lasts=SECONDS, statuses=(403, 404))

PROXY = Proxy(scheme='http', host='p', port=1)
LOGIN = parse_auth(('me', 'pw')).unwrap()

KEYWORDS: list[tuple[str, object, dict[str, Any]]] = [
    ('backend', 'curl', {'backend': 'curl'}),
    ('dest', '/x', {'dest': ToPath('/x')}),
    ('freshness', 'stored', {'freshness': Freshness.STORED}),
    ('freshness', '1 w', {'freshness': timedelta(days=7)}),
    ('freshness', SECONDS, {'freshness': SECONDS}),
    ('remember_missing', '7 s', {'remember_missing': RememberMissing(lasts=SECONDS)}),
    ('remember_missing', SECONDS, {'remember_missing': RememberMissing(lasts=SECONDS)}),
    ('remember_missing', ' None ', {'remember_missing': None}),
    ('remember_missing', '7s for 403,404', {'remember_missing': A_LIST}),
    (
        'remember_missing',
        {'for': '7s', 'statuses': ['403', 404, 404]},
        {'remember_missing': A_LIST},
    ),
    ('remember_missing', {'for': SECONDS}, {'remember_missing': RememberMissing(lasts=SECONDS)}),
    ('remember_missing', A_LIST, {'remember_missing': A_LIST}),
    ('if_exists', 'keep', {'if_exists': IfExists.KEEP}),
    ('via_cache', 'yes', {'via_cache': True}),
    ('link', 'hard', {'link': Link.HARD}),
    ('mtime', 'server', {'mtime': FileTime.SERVER}),
    ('extract', 'yes', {'extract': Extract()}),
    ('extract', 'tables', {'extract': Extract(into='tables')}),
    ('extract', {'strip': 1}, {'extract': Extract(strip=1)}),
    ('extract', 'no', {}),
    ('extract', None, {}),
    ('check_freshness', 'yes', {'check_freshness': True}),
    ('check_method', 'etag', {'check_method': CheckMethod.ETAG}),
    ('force_download', 'yes', {'force_download': True}),
    ('newer_than', '2024-05-01', {'window': Window(newer_than=DAY)}),
    ('newer_than', '7 s', {'window': Window(newer_than=SECONDS)}),
    ('older_than', '2024-05-01', {'window': Window(older_than=DAY)}),
    ('older_than', SECONDS, {'window': Window(older_than=SECONDS)}),
    ('keep_old', 'no', {'keep_old': False}),
    ('offline', 'yes', {'offline': True}),
    ('stale_if_error', 'yes', {'stale_if_error': True}),
    ('any_status', 'yes', {'any_status': True}),
    ('create_dirs', 'no', {'create_dirs': False}),
    ('retries', '7', {'retries': 7}),
    ('retry_wait', '7', {'retry_wait': SECONDS}),
    ('retry_max_wait', '7', {'retry_max_wait': SECONDS}),
    ('retry_after_max', '7', {'retry_after_max': SECONDS}),
    ('retry_delay', '7', {'retry_delay': SECONDS}),
    ('retry_max_time', '7', {'retry_max_time': SECONDS}),
    ('retry_all_errors', 'yes', {'retry_all_errors': True}),
    ('idempotent', 'yes', {'idempotent': True}),
    ('connect_timeout', '7', {'connect_timeout': SECONDS}),
    ('stall_timeout', '7', {'stall_timeout': SECONDS}),
    ('speed_limit', '7k', {'speed_limit': 7 * 1024}),
    ('speed_time', '7', {'speed_time': SECONDS}),
    ('timeout', '7', {'timeout': SECONDS}),
    ('lock_timeout', '7', {'lock_timeout': SECONDS}),
    ('max_bytes', '7k', {'max_bytes': 7 * 1024}),
    ('segments', 'auto', {'segments': 0}),
    ('max_redirects', '7', {'max_redirects': 7}),
    ('follow', 'no', {'follow': False}),
    ('checksum', f'md5:{"AB" * 16}', {'checksum': Checksum('md5', 'ab' * 16)}),
    ('checksum_file', 'x.md5', {'checksum_file': ChecksumList('x.md5')}),
    ('min_bytes', '7', {'min_bytes': 7}),
    ('check_content', 'no', {'check_content': False}),
    ('validate', bool, {'validate': bool}),
    ('user_agent', 'me', {'user_agent': 'me'}),
    ('max_per_host', 'none', {'max_per_host': None}),
    ('rate', '3/s', {'rate': Rate(3)}),
    ('limit_rate', '7k', {'limit_rate': 7 * 1024}),
    (
        'repositories',
        'zenodo=https://h',
        {'repositories': Repositories(zenodo='https://h')},
    ),
    ('http2', 'yes', {'http2': True}),
    ('proxy', 'http://p:1', {'network': Network(proxy=PROXY)}),
    ('proxy', PROXY, {'network': Network(proxy=PROXY)}),
    ('proxy', 'none', {'network': Network(proxy=False)}),
    ('proxy', False, {'network': Network(proxy=False)}),
    ('proxy', None, {}),
    ('proxy_auth', 'me:pw', {'network': Network(proxy_auth=LOGIN)}),
    ('proxy_auth', ('me', 'pw'), {'network': Network(proxy_auth=LOGIN)}),
    ('proxy_auth', None, {}),
    ('no_proxy', 'a, b', {'network': Network(no_proxy=('a', 'b'))}),
    ('no_proxy', ['a', 'b'], {'network': Network(no_proxy=('a', 'b'))}),
    ('no_proxy', None, {}),
    ('resolve', {'h:443': '::1'}, {'network': Network(resolve=(('h', 443, ('::1',)),))}),
    ('resolve', 'h:443:[::1]', {'network': Network(resolve=(('h', 443, ('::1',)),))}),
    ('forbid_private', 'yes', {'network': Network(forbid_private=True)}),
    ('allow_file', 'yes', {'network': Network(allow_file=True)}),
]


@pytest.mark.parametrize(('name', 'value', 'fields'), KEYWORDS, ids=[name for name, *_ in KEYWORDS])
def test_every_option_is_read(name: str, value: object, fields: dict[str, Any]) -> None:
    """Text is accepted too, as in a file or in the environment."""
    assert parse_policy({name: value}).unwrap() == Policy(**fields)
    assert split_options({name: value}).unwrap() == ({}, {name: value})


def test_every_option_is_in_the_table_above() -> None:
    """A new option needs a row."""
    assert list(dict.fromkeys(name for name, *_ in KEYWORDS)) == list(OPTIONS)


@pytest.mark.parametrize('name', [
    'method', 'query', 'post', 'json', 'multipart', 'data', 'headers', 'cainfo', 'verify', 'cert', 'key', 'mirrors',
])  # fmt: skip
def test_what_describes_a_download_goes_with_it(name: str) -> None:
    """It does not change the policy."""
    assert split_options({name: 1}).unwrap() == ({name: 1}, {})


@pytest.mark.parametrize(
    ('synonym', 'name'),
    [('fallback_urls', 'mirrors'), ('connecttimeout', 'connect_timeout')],
)
def test_synonyms(synonym: str, name: str) -> None:
    """Other names of options set the same field."""
    described, handled = split_options({synonym: 1}).unwrap()
    assert {**described, **handled} == {name: 1}


def test_fields_and_options_have_the_same_names() -> None:
    """Only those of the window and of the network have other names in the policy."""
    others = {name for name, option in OPTIONS.items() if option.field != name}
    of_network = {name for name, option in OPTIONS.items() if option.within == 'network'}
    assert others == {'newer_than', 'older_than'} | of_network


def test_the_old_name_of_an_option_warns() -> None:
    """The value is used for the present name."""
    with pytest.warns(DeprecationWarning, match='The option destination is now called dest'):
        assert split_options({'destination': '/x'}).unwrap() == ({}, {'dest': '/x'})
    with pytest.warns(DeprecationWarning, match='dest'):
        assert parse_policy({'destination': '/x'}).unwrap() == Policy(dest=ToPath('/x'))


@pytest.mark.parametrize(
    ('old', 'new', 'value'),
    [('destination', 'dest', ToPath('/x')), ('checksum_list', 'checksum_file', ChecksumList('x'))],
)
def test_the_old_name_of_a_field_warns(old: str, new: str, value: Any) -> None:
    """It can be passed and read; stored plans with it are read without a warning."""
    policy = Policy(**{new: value})
    with pytest.warns(DeprecationWarning, match=f'^Policy.{old}=. is now called {new}=$'):
        assert Policy(**{old: value, 'retries': 3}) == policy
    with pytest.warns(DeprecationWarning, match=f'^Policy.{old} is now called {new}$'):
        assert getattr(policy, old) == value
    assert loads(dumps(policy).replace(f'"{new}"', f'"{old}"')).unwrap() == policy


def test_the_longest_lists_there_are_can_be_read() -> None:
    """Half a million lines with a SHA-512 and a name."""
    assert MAX_LIST_BYTES >= 500_000 * (128 + 2)


def test_defaults_of_an_outcome() -> None:
    """By default an outcome was not validated and has no requests and no events."""
    outcome = Outcome(origin=Origin.CACHE, reason='', key='', path='/x')
    assert (outcome.is_validated, outcome.tries, outcome.story) == (False, 0, ())
    assert 'story' not in repr(outcome)


def test_plan_is_not_redacted_by_default() -> None:
    """It can then be executed."""
    whole = plan(a_descriptor(), a_policy(), a_snapshot()).unwrap()
    assert whole.is_redacted is False
