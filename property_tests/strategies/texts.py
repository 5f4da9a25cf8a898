"""Texts: names, values, URLs, and header fields of servers.

Names, versions and ETags have small alphabets, so that two draws may be equal; foreign text
(headers, Locations, file names) is drawn from all of Unicode.
"""

from hypothesis import strategies as st

#: Any text, lone surrogates and control characters included.
any_text = st.text(max_size=40)
#: Names of headers, parameters and parts: tokens, some of them secret by name.
names = st.sampled_from(
    ['a', 'b', 'ids', 'X-Id', 'Accept', 'Authorization', 'access_token', 'Cookie']
) | st.from_regex(r'\A[A-Za-z][A-Za-z0-9\-]{0,8}\Z')
#: Names that are not secret and not set by dlmachine or the connection.
plain_names = st.sampled_from(['a', 'b', 'ids', 'X-Id', 'X-Lab', 'format', 'Accept'])
#: Values that fit into a header: printable ISO 8859-1.
values = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=['Cc']), max_size=12
)
#: Texts for forms, JSON and queries: one line that can be encoded in UTF-8.
line_texts = st.text(
    st.characters(exclude_categories=['Cs'], exclude_characters='\r\n\0'), max_size=12
)
#: JSON values.
jsons = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | line_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(line_texts, inner, max_size=3),
    max_leaves=6,
)

#: A few hosts, so that two URLs may have the same.
hosts = st.sampled_from(
    ['h', 'example.org', 'Mirror.Example', '127.0.0.1', '[::1]', 'büch.example.']
)
#: Absolute http(s) URLs, some with userinfo, port, dots, escapes, query and fragment.
urls = st.builds(
    '{}://{}{}{}/{}{}'.format,
    st.sampled_from(['http', 'https', 'HTTPS']),
    st.sampled_from(['', '', '', 'me:pw@', 'me%3A@']),
    hosts,
    st.sampled_from(['', '', ':80', ':443', ':8080']),
    st.sampled_from(['', 't.csv', 'a/../b', './x', '%7euser/%c3%a9', 'a b', 'é.gz', '..', 'x/']),
    st.sampled_from(['', '', '?', '?a=1', '?token=s3cret&b=2', '#part', '?x=%zz']),
)
#: Values of Location: URLs, references, other schemes, any text.
locations = (
    urls
    | any_text
    | st.sampled_from(
        [
            '',
            '/b',
            '../c',
            '//other/x',
            '?q',
            'ftp://h/x',
            'http:///x',
            'https://[',
            'file:///etc/passwd',
            'https://u:p@elsewhere/x',
        ]
    )
)

#: ETags, weak, strong and broken.
etags = st.sampled_from(['"v1"', '"v2"', 'W/"v1"', 'v1', ''])
#: HTTP dates, and texts that are not one.
http_dates = st.sampled_from(
    [
        'Mon, 01 Apr 2024 00:00:00 GMT',
        'Wed, 01 May 2024 00:00:00 GMT',
        'Wed, 01 May 2024 00:00:30 GMT',
        'yesterday',
        '',
    ]
)
