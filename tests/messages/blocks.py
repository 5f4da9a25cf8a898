"""Read and write the tables: blocks of Python and commands, each with its text."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

FOLDER = Path(__file__).parent
TABLES = tuple(sorted(path.stem for path in FOLDER.glob('*.txt')))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Python or one command, and its text; no text: nothing goes wrong."""

    source: str
    is_command: bool
    text: str = ''

    def says(self, text: str) -> bool:
        """Whether this is the text that is expected; `...` stands for any."""
        pattern = '.*?'.join(map(re.escape, self.text.split('...')))
        return re.fullmatch(pattern, text, re.DOTALL) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Steps that share a folder and a server; `line` is where the block begins."""

    table: str
    line: int
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return f'{self.table}:{self.line}'


def read_blocks(table: str) -> Iterator[Block | str]:
    """The blocks of a table, and the comments between them."""
    lines = (FOLDER / f'{table}.txt').read_text('utf-8').splitlines()
    start = 0
    for number, line in enumerate([*lines, '']):
        if not line:
            held, begins = lines[start:number], start + 1
            start = number + 1
            if held and held[0].startswith('#'):
                yield '\n'.join(held)
            elif held:
                yield Block(table=table, line=begins, steps=tuple(_steps(held)))


def write_blocks(table: str, blocks: Iterable[Block | str]) -> None:
    """Write a table."""
    texts = (block if isinstance(block, str) else _shown(block) for block in blocks)
    (FOLDER / f'{table}.txt').write_text('\n\n'.join(texts) + '\n', 'utf-8')


def _steps(lines: Iterable[str]) -> Iterator[Step]:
    step: Step | None = None
    for line in lines:
        mark, _, rest = line.partition(' ')
        if step is not None and mark == '...' and not step.is_command and not step.text:
            step = replace(step, source=f'{step.source}\n{rest}')
        elif mark in {'>>>', '$'}:
            if step is not None:
                yield step
            step = Step(source=rest, is_command=mark == '$')
        elif step is not None:
            step = replace(step, text=f'{step.text}\n{line}'.lstrip('\n'))
    if step is not None:
        yield step


def _shown(block: Block) -> str:
    return '\n'.join(line for step in block.steps for line in _lines(step))


def _lines(step: Step) -> Iterator[str]:
    mark, more = ('$', '$') if step.is_command else ('>>>', '...')
    first, *rest = step.source.split('\n')
    yield f'{mark} {first}'
    yield from (f'{more} {line}' for line in rest)
    yield from step.text.splitlines()
