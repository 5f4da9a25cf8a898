"""URLs, redirects and requests: normal forms, and credentials for their origin only."""

import re

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from dlmachine.core.http.headers import Headers, parse_headers
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.url import _NORMAL, _normalize, join_url, parse_url
from dlmachine.core.secrets.redact import is_secret_name, redact_url
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.transfer.build_request import build_request
from dlmachine.core.transfer.redirect import follow_redirect
from property_tests import strategies as of

SECRET = 'pl4nted-s3cret'


@given(of.urls | of.any_text | st.builds('https://{}'.format, of.any_text))
def test_the_normal_form_is_a_fixpoint(text: str) -> None:
    """A URL parsed from its own text is the same URL, and nothing raises."""
    url = parse_url(text).map(lambda found: (found, parse_url(str(found)).unwrap()))
    assert url.map(lambda both: both[0] == both[1]).value_or(default_value=True)


@given(st.sampled_from('éa%2f ~'), st.integers(7_000, 70_000))
def test_long_addresses_are_refused_or_readable(letter: str, count: int) -> None:
    """Escapes make a URL longer; an accepted URL can be parsed again."""
    url = parse_url(f'https://h/{letter * count}')
    assert not is_successful(url) or parse_url(str(url.unwrap())) == url


@given(of.urls, of.locations)
def test_joined_addresses_are_normal(base: str, location: str) -> None:
    """Any Location is refused, or becomes an absolute URL in normal form."""
    joined = join_url(parse_url(base).unwrap(), location)
    if is_successful(joined):
        assert parse_url(str(joined.unwrap())) == joined


@given(
    of.urls,
    of.locations,
    st.sampled_from([301, 302, 303, 307, 308]),
    of.header_pairs,
    st.integers(0, 3),
)
def test_redirects_carry_nothing_elsewhere(
    start: str, location: str, status: int, sent: list[tuple[str, str]], most: int
) -> None:
    """No credentials go to another origin, nothing from https to http, no other scheme."""
    source = parse_url(start).unwrap().without_userinfo()
    fields = (*sent, ('Authorization', f'Bearer {SECRET}'), ('Cookie', f'id={SECRET}'))
    request = Request(method='GET', url=str(source), headers=Headers(fields))
    head = ResponseHead(status=status, headers=Headers((('Location', location),)))
    moved = follow_redirect(request, head, (request.url,), most)
    if not is_successful(moved):
        assert SECRET not in str(moved.failure())
        return
    target = moved.unwrap()
    assert most > 0
    assert target.location.scheme in {'http', 'https'}
    assert (source.scheme, target.location.scheme) != ('https', 'http')
    assert target.url != request.url
    if target.location.origin != source.origin:
        assert SECRET not in str(target.headers.items)
        secret = [name for name, _ in target.headers if is_secret_name(name)]
        assert secret in ([], ['Authorization'])  # Only credentials in the Location itself.


@given(of.descriptors())
def test_requests_can_be_built_for_every_address(descriptor: Descriptor) -> None:
    """Each URL of a valid descriptor gives a request in normal form, without userinfo."""
    for address in descriptor.addresses:
        request = build_request(descriptor, address, 'me/1').unwrap()
        assert parse_url(request.url).map(str).unwrap() == request.url
        assert request.location.userinfo == ''
        names = [name.casefold() for name, _ in request.headers]
        assert {'accept', 'accept-encoding', 'user-agent'} <= set(names)


@given(
    st.lists(st.tuples(of.any_text, of.any_text) | of.any_text, max_size=3)
    | st.dictionaries(of.any_text, of.any_text, max_size=3)
)
def test_headers_never_break_the_frame(
    given_headers: list[tuple[str, str] | str] | dict[str, str],
) -> None:
    """No CR, LF or NUL, no name that is not a token, and no unencodable value is accepted."""
    parsed = parse_headers(given_headers)
    if not is_successful(parsed):
        assert parsed.failure().code == 'invalid_input'
        return
    for name, value in parsed.unwrap():
        assert not set('\r\n\0') & set(name + value)
        assert name.isascii()
        assert not set(' :"(),/;<=>?@[]{}\\') & set(name)
        assert value == value.encode('latin-1').decode('latin-1').strip(' \t')


@given(of.any_text | of.urls)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    """Redaction never raises, and redacting twice changes nothing more."""
    assert redact_url(redact_url(text)) == redact_url(text)


@given(
    of.urls
    | st.from_regex(r'\Ahttps?://[a-z0-9.\-_]{1,6}/[A-Za-z0-9_.~/:@!$&()*+,;=%?#\-]{0,20}\Z')
    | st.from_regex(re.compile(_NORMAL.pattern), fullmatch=True)
)
def test_what_is_in_normal_form_is_read_at_once(text: str) -> None:
    """The fast path gives the same result as the complete parser."""
    assert parse_url(text) == _normalize(text, 'url')
