"""Each mistake gives its message, and each message of the sources stands in a table."""

import re
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.messages.blocks import TABLES, Block, read_blocks
from tests.messages.inventory import OTHER_TEXTS, ROOT, find_texts, texts_of
from tests.messages.scene import scene
from tests.messages.unprovoked import UNPROVOKED

BLOCKS = [one for table in TABLES for one in read_blocks(table) if isinstance(one, Block)]


@pytest.mark.parametrize('block', BLOCKS, ids=str)
def test_a_mistake_gives_its_message(block: Block) -> None:
    """The exception in Python; stderr and the exit status on the command line."""
    if block.table == 'curl':
        pytest.importorskip('pycurl')
    if find_spec('socks') is not None and any('PySocks' in step.text for step in block.steps):
        pytest.skip('PySocks is installed')
    with scene(block) as one:
        for step in block.steps:
            text = one.text_of(step)
            # The second is there to be shown: it names the difference.
            assert step.says(text) or text == step.text, step.source


def _provoked() -> Iterator[str]:
    yield from (step.text for block in BLOCKS for step in block.steps)


def test_each_message_stands_in_a_table() -> None:
    """Every text in the sources is provoked by a row, or listed with the reason why it is not."""
    said = '\n'.join(_provoked())
    listed = {text for texts in UNPROVOKED.values() for text in texts}
    missing = [
        f'{one.module}:{one.line}: {one.text}'
        for one in find_texts()
        if one.text not in listed and not re.search(one.pattern, said)
    ]

    assert missing == []


def test_what_is_listed_is_there_and_is_not_provoked() -> None:
    """The list of texts without a row names no text that is gone, or has a row by now."""
    said, found = '\n'.join(_provoked()), {one.text: one for one in find_texts()}
    listed = [text for texts in UNPROVOKED.values() for text in texts]

    assert len(listed) == len(set(listed))
    assert [text for text in listed if text not in found] == []
    assert [text for text in listed if re.search(found[text].pattern, said)] == []
    assert [other for other in OTHER_TEXTS if not (ROOT / other).exists()] == []


def test_texts_are_found_wherever_they_stand() -> None:
    """Arguments, f-strings, tables and returned texts; no docstrings, annotations or help."""
    source = '''
def f(x: 'a b') -> 'c d':
    """No text."""
    fail(problem=f'{x!r} is not {x}', help='no text')
    return {'no text': 'is empty'}
'''
    assert [one.text for one in texts_of(source, 'm')] == ['is empty', '... is not ...']
