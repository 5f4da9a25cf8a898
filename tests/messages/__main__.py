"""Write the texts of the tables anew: `python -m tests.messages [table ...]`."""

import re
import sys
from dataclasses import replace
from itertools import pairwise

from tests.messages.blocks import TABLES, Block, Step, read_blocks, write_blocks
from tests.messages.scene import scene


def _current(block: Block) -> Block:
    with scene(block) as one:
        return replace(block, steps=tuple(_said(step, one.text_of(step)) for step in block.steps))


def _said(step: Step, text: str) -> Step:
    return step if step.says(text) else replace(step, text=_with_gaps(text, step.text))


def _with_gaps(text: str, before: str) -> str:
    # What was any text before remains so if the words around it are the same.
    pieces = before.split('...')
    for left, right in pairwise(pieces):
        around = re.escape(left[-12:]), re.escape(right[:12])
        text = re.sub('(?<={}).*?(?={})'.format(*around), '...', text, count=1)
    return text


if __name__ == '__main__':
    for table in sys.argv[1:] or TABLES:
        blocks = list(read_blocks(table))
        write_blocks(table, [_current(one) if isinstance(one, Block) else one for one in blocks])
