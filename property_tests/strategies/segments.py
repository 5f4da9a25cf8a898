"""Segments: ranges as requested, and other results."""

from hypothesis import strategies as st

from dlmachine.core.http.headers import Headers
from dlmachine.core.http.response import Received, ResponseHead
from dlmachine.core.protocol.effects import Exchange, ExchangeSegments
from dlmachine.core.protocol.events import Event, Interrupted, Responded, SegmentsEnded
from property_tests.strategies.answers import answers, interruptions
from property_tests.strategies.basics import DIGESTS, instants
from property_tests.strategies.faults import try_faults


def ranged(exchange: Exchange) -> st.SearchStrategy[Event]:
    """The requested range of a larger file, so that segments follow."""
    expect = exchange.expect
    first = expect.offset
    last = first if expect.last is None else expect.last
    sizes = st.sampled_from([last + 1, last + 2, last + 3_000_000])
    heads_ = st.builds(
        lambda size, tag: ResponseHead(
            status=206,
            headers=Headers((('Content-Range', f'bytes {first}-{last}/{size}'), ('ETag', tag))),
        ),
        sizes if expect.whole_bytes is None else st.just(expect.whole_bytes),
        st.just(expect.validator) if expect.validator else st.sampled_from(['"v1"', 'W/"v1"']),
    )
    count = last - first + 1
    brought = Received(size_bytes=last + 1, wire_bytes=count, sha256=DIGESTS[0])
    return st.builds(Responded, at=instants, head=heads_, received=st.just(brought))


def segment_ends(effect: ExchangeSegments) -> st.SearchStrategy[Event]:
    """Results of segments: as requested, broken, something else, or none."""
    ends = st.tuples(*(_segment_end(exchange) for exchange in effect.exchanges))
    return st.builds(SegmentsEnded, at=instants, ends=ends)


def _segment_end(exchange: Exchange) -> st.SearchStrategy[Responded | Interrupted | None]:
    expect = exchange.expect
    first, last = expect.offset, expect.last or 0
    place = f'bytes {first}-{last}/{expect.whole_bytes}'
    exact = ResponseHead(
        status=206,
        headers=Headers((('Content-Range', place), ('ETag', expect.validator or ''))),
    )
    count = last - first + 1
    whole = Received(size_bytes=count, wire_bytes=count, sha256='')
    return (
        st.builds(Responded, at=instants, head=st.just(exact), received=st.just(whole))
        | st.builds(
            Interrupted,
            at=instants,
            fault=try_faults,
            head=st.just(exact),
            part_bytes=st.integers(0, count),
        )
        | answers
        | interruptions
        | st.none()
    )
