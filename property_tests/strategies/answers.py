"""Responses: heads, bodies, and interruptions."""

from hypothesis import strategies as st

from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.protocol.events import Interrupted, Responded
from property_tests.strategies.basics import DATA, DIGESTS, instants
from property_tests.strategies.faults import try_faults
from property_tests.strategies.texts import any_text, etags, http_dates, locations, names

_statuses = st.sampled_from(
    [
        200,
        200,
        200,
        204,
        206,
        301,
        302,
        303,
        304,
        307,
        308,
        404,
        416,
        429,
        500,
        503,
        100,
        0,
        999,
        305,
    ]
)
_fields = st.fixed_dictionaries(
    {},
    optional={
        'Content-Length': st.sampled_from(['8', '0', '4', 'many', '1000', '']),
        'Content-Range': st.sampled_from(
            [
                'bytes 4-7/8',
                'bytes 4-7/*',
                'bytes 0-7/8',
                'bytes 4-3/8',
                'bytes */8',
                'items 1-2/3',
                '',
            ]
        ),
        'Content-Encoding': st.sampled_from(['gzip', 'identity', 'br', 'deflate', '']),
        'Transfer-Encoding': st.just('chunked'),
        'ETag': etags,
        'Last-Modified': http_dates,
        'Date': http_dates,
        'Location': locations,
        'Retry-After': st.sampled_from(['0', '3', '9' * 30, '-1', '²', 'soon']) | http_dates,
        'Content-Disposition': any_text
        | st.builds('attachment; filename="{}"'.format, any_text)
        | st.builds(
            "attachment; filename*={}''{}".format,
            st.sampled_from(['utf-8', 'punycode', 'undefined', 'unicode-escape', 'x', '']),
            any_text,
        ),
    },
)


@st.composite
def heads(draw: st.DrawFn) -> ResponseHead:
    """Heads of responses: valid, contradictory and absurd ones."""
    fields = {**draw(_fields), **dict(draw(st.lists(st.tuples(names, any_text), max_size=1)))}
    return ResponseHead(
        status=draw(_statuses), headers=Headers(tuple(fields.items())), reason=draw(any_text)
    )


#: The content of a part after a body.
receiveds = st.builds(
    Received,
    size_bytes=st.integers(0, 200),
    wire_bytes=st.sampled_from([0, 4, 8, 8]),
    sha256=st.sampled_from(DIGESTS),
    digests=st.sampled_from([(), (('md5', 'ab' * 16),)]),
    start=st.sampled_from([DATA, b'', b'<html>', b'\x1f\x8b\x08']),
    gzip_problem=st.sampled_from([None, None, 'is a damaged gzip stream']),
    rest_bytes=st.sampled_from([0, 0, 3]),
    coded_rest_bytes=st.sampled_from([0, 0, 3]),
)


#: Answers; a body may be there where none was wanted, and may be absent where one was.
answers = st.builds(Responded, at=instants, head=heads(), received=receiveds | st.none())


interruptions = st.builds(
    Interrupted,
    at=instants,
    fault=try_faults,
    head=st.none() | heads(),
    part_bytes=st.integers(0, 200),
)
