"""Secrets in foreign text, in any escaped form."""

import random
import time
from string import ascii_lowercase

import pytest

from dlmachine.core.secrets.scrubbing import scrub

SECRET = "it's é/S3cret+x"


@pytest.mark.parametrize(
    'written',
    [
        SECRET,
        SECRET.upper().replace('É', 'é'),
        "it's+é/s3cret+x",
        "it's%20%C3%A9%2FS3cret%2Bx",
        "it's%2520%25C3%25a9%252fs3cret%252Bx",
        SECRET.encode().decode('latin-1'),
        "%69%74's é/s3cret x",
        "it's \\u00e9\\/S3cret+x",
        'it&#39;s &#xe9;&#X2F;S3cret+x',
        'it&apos;s é/S3cret+x',
    ],
)
def test_spellings(written: str) -> None:
    """Escaped once or twice, in another case, decoded as ISO 8859-1, and among other scripts."""
    assert scrub(f'a {written} b', {SECRET}) == 'a *** b'
    assert scrub(f'€ {written} 100%25€', {SECRET, 'other'}) == '€ *** 100%25€'


def test_quotes_and_brackets() -> None:
    """As JSON and HTML escape them."""
    secret = '<a href="b\\c">&'
    for written in ('<a href=\\"b\\\\c\\">&', '&lt;a href=&quot;b\\c&quot;&gt;&amp;'):
        assert scrub(f'[{written}]', {secret}) == '[***]'
    assert scrub('\\u20acuro &amp; &#8364;', {'€uro'}) == '*** &amp; &#8364;'


def test_texts_without_secrets_stay() -> None:
    """Text without a secret is unchanged."""
    assert scrub('a%2Fb é €', {'secret', 'abc'}) == 'a%2Fb é €'
    assert scrub('abc', {'abc'}) == 'abc'
    assert scrub('abcd', {'%41%42'}) == 'abcd'


def test_characters_that_are_none() -> None:
    """Surrogates, and bytes of a character of which the others are secret."""
    assert scrub('\udc80 abcd', {'abcd'}) == '\ufffd\ufffd\ufffd ***'
    assert scrub('\\ud800 abcd', {'abcd'}) == '\\ud800 ***'
    assert scrub('\xc3abcd', {'%83abcd'}) == '\ufffd***'


def test_secrets_that_overlap_are_masked_together() -> None:
    """Consecutive secrets are masked one by one."""
    assert scrub('xabcdefx', {'abcd', 'cdef'}) == 'x***x'
    assert scrub('abcdabcd', {'abcd'}) == '******'


def test_a_text_with_too_many_candidates_is_not_shown() -> None:
    """Thousands of possible secrets in the text, or of places with one."""
    many = {f'aaaa{number:04}aaaa' for number in range(9999)}
    text = ' '.join(f'{number:04}' for number in range(500)) + ' aaaa'
    assert scrub(text, many) == '***'
    assert scrub('aaaa' * 20_001, {'aaaa'}) == '***'
    begun = 'aaaa' + '_' * 600
    assert scrub(begun, {f'aaaa{number:04}' for number in range(9999)}) == begun
    assert scrub('aaaa' * 10, {'aaaa', 'aaaaa'}) != '***'


@pytest.mark.timing
@pytest.mark.parametrize('count', [1, 100, 40_000])
def test_scrubbing_time_is_not_text_times_secrets(count: int) -> None:
    """The time is linear in the text and in the secrets."""
    draw = random.Random(count)
    secrets = frozenset(''.join(draw.choices(ascii_lowercase, k=16)) for _ in range(count))
    texts = [' '.join(list(secrets)[:3000]), 'a' * 65_536, '%2F' * 20_000, 'é' * 60_000]
    scrub('abcd', secrets)
    for text in texts:
        began = time.process_time()
        scrub(text, secrets)
        assert time.process_time() - began < 1
