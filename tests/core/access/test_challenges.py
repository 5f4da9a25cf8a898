"""Challenges of servers, as the RFC and the field write them."""

import pytest

from dlmachine.core.access.challenges import Challenge, parse_challenges


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        ([], []),
        ([''], []),
        (['Basic'], [('basic', {})]),
        (['Basic realm="a"'], [('basic', {'realm': 'a'})]),
        (['BASIC REALM = a'], [('basic', {'realm': 'a'})]),
        (['Basic a=1, realm = x'], [('basic', {'a': '1', 'realm': 'x'})]),
        # The example of RFC 9110 section 11.6.1.
        (
            ['Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""'],
            [('basic', {'realm': 'simple'}), ('newauth', {'realm': 'apps', 'type': '1', 'title': 'Login to "apps"'})],
        ),
        (['Negotiate', 'NTLM'], [('negotiate', {}), ('ntlm', {})]),
        (['Negotiate YII==, Basic realm=x'], [('negotiate', {}), ('basic', {'realm': 'x'})]),
        (['Digest realm="a, b=c", nonce=1'], [('digest', {'realm': 'a, b=c', 'nonce': '1'})]),
        (['Digest realm="never ends, nonce=1'], [('digest', {'realm': 'never ends, nonce=1'})]),
        (['Digest nonce=1, nonce=2'], [('digest', {'nonce': '1'})]),
        (['realm="no scheme", Basic'], [('basic', {})]),
        ([', ,Basic,, realm=x'], [('basic', {'realm': 'x'})]),
        (['Basic\trealm=x'], [('basic', {'realm': 'x'})]),
        (['Basic realm="a\\'], [('basic', {'realm': 'a'})]),
    ],
)  # fmt: skip
def test_parsing(fields: list[str], expected: list[tuple[str, dict[str, str]]]) -> None:
    """Several fields are one list; commas in quotes are text."""
    found = parse_challenges(fields)
    assert [(one.scheme, dict(one.values)) for one in found] == expected


def test_limits() -> None:
    """Neither the number nor the size of challenges is the server's choice."""
    assert len(parse_challenges([', '.join(f'S{n}' for n in range(100))])) == 16
    [found] = parse_challenges([f'Basic realm="{"a" * 100_000}"'])
    assert len(found.values['realm']) < 20_000


def test_showing() -> None:
    """The scheme, with its realm if there is one."""
    assert str(Challenge(scheme='basic', parameters=(('realm', 'x'),))) == "Basic (realm 'x')"
    assert str(Challenge(scheme='negotiate')) == 'Negotiate'
