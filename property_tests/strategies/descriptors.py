"""Descriptors: what to download."""

from typing import Any

from hypothesis import strategies as st

from dlmachine.core.spec.descriptor import Descriptor
from property_tests.strategies.texts import jsons, line_texts, names, urls, values

#: Pairs of a query or form.
pairs = st.lists(st.tuples(names, line_texts), max_size=3)
#: Header pairs that `Descriptor.parse` accepts.
header_pairs = st.lists(st.tuples(names, values), max_size=3)


@st.composite
def descriptors(draw: st.DrawFn, *, mirrors: int = 2) -> Descriptor:
    """Valid descriptors with every kind of body, and mirrors."""
    content: dict[str, Any] = draw(
        st.just({})
        | st.fixed_dictionaries({'query': pairs})
        | st.fixed_dictionaries({'query': pairs, 'post': st.just(value=True)})
        | st.fixed_dictionaries(
            {'json': jsons.filter(lambda value: not isinstance(value, bool) and value is not None)}
        )
        | st.fixed_dictionaries({'data': st.binary(max_size=8)})
        | st.fixed_dictionaries(
            {
                'multipart': st.dictionaries(
                    names, line_texts | st.binary(max_size=8), min_size=1, max_size=2
                )
            }
        )
    )
    return Descriptor.parse(
        draw(urls),
        headers=draw(header_pairs),
        mirrors=draw(st.lists(urls, max_size=mirrors)),
        **content,
    ).unwrap()
