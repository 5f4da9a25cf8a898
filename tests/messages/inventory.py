"""Find the texts of messages in the sources.

A text is a literal with a space in it, outside docstrings, annotations, help texts, regular
expressions and SQL. Modules that make no messages, and tables of the words of others, are listed.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

#: Modules, or folders, whose texts are no messages about a mistake.
OTHER_TEXTS: Final[dict[str, str]] = {
    'dlmachine/cli/demo.py': 'the output of the demo',
    'dlmachine/demo.py': 'the server of the demo',
    'dlmachine/cli/config.py': 'the output of a command',
    'dlmachine/cli/cache.py': 'the output of a command; its errors have rows',
    'dlmachine/cli/cache_doctor.py': 'the output of a command; its errors have rows',
    'dlmachine/cli/audit.py': 'the output of a command',
    'dlmachine/cli/folder/output.py': 'the output of commands',
    'dlmachine/cli/folder/rm.py': 'the output of a command; its errors have rows',
    'dlmachine/cli/parameters/flags.py': 'help texts',
    'dlmachine/cli/parameters/options.py': 'help texts',
    'dlmachine/cli/parameters/other_tools.py': 'hints; tests/cli/test_other_tools.py has them all',
    'dlmachine/cli/parameters/values.py': 'help texts',
    'dlmachine/core/frozen.py': 'source code that is compiled; its errors have rows',
    'dlmachine/core/report': 'the page of a report',
    'dlmachine/reports': 'the page of a report',
    'dlmachine/core/maintenance': 'findings of `dlmachine cache doctor`',
    'adapters/dlmachine_adapters/maintenance': 'what `dlmachine cache doctor` has done',
    'dlmachine/core/plan/render.py': 'the text of a plan',
    'dlmachine/core/caching': 'the text of a plan',
    'dlmachine/core/plan/former_names.py': 'the text of a plan',
    'dlmachine/core/spec/option_help.py': 'help texts',
    'dlmachine/core/spec/option_table.py': 'help texts',
    'dlmachine/options': 'help texts',
    'dlmachine/core/decision/part_note.py': 'why a note about a part is ignored: not shown',
    'adapters/dlmachine_adapters/fakes': 'test doubles',
}
#: Constants with other texts: SQL, the names of commands, words by which a remedy is found.
_OTHER_NAMES: Final = frozenset(
    {
        '_NOT_TO_BE_READ',
        '_NOT_THERE',
        '_COLUMNS',
        'INDEXES',
        '_NAMES',
        '_COMMANDS',
        '_TEXT',
        '_FORMATS',
        '_GZIP',
        'USER_AGENT',
        '_HEAD',
    }
)
#: SQL, and patterns for the log and for header values.
_OTHER_FORMS: Final = re.compile(
    r'\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|BEGIN|LEFT JOIN|NULL|id |id, |m\.|t\.value)|'
    r'.*\.id [<>]|.*%|(multipart/)?form-data; |; filename|bytes [.]'
)


@dataclass(frozen=True, slots=True, order=True)
class Text:
    """A literal; the values in it are `...`."""

    module: str
    line: int
    text: str

    @property
    def pattern(self) -> str:
        """A regular expression for messages with this text."""
        # A brace is what `str.format` fills in.
        pieces = re.split(r'\.{3}|\{\w*\}', self.text.strip())
        return '.*?'.join(map(re.escape, pieces)).removeprefix('.*?').removesuffix('.*?')


def find_texts() -> Iterator[Text]:
    """The texts of all messages."""
    for folder in ('dlmachine', 'adapters/dlmachine_adapters'):
        for path in sorted((ROOT / folder).rglob('*.py')):
            name = path.relative_to(ROOT).as_posix()
            if not any(name.startswith(other) for other in OTHER_TEXTS):
                yield from texts_of(path.read_text('utf-8'), name)


def texts_of(source: str, module: str) -> Iterator[Text]:
    """The texts of a module."""
    tree = ast.parse(source)
    skipped = {id(inner) for node in _other_nodes(tree) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            # Its pieces are not literals of their own.
            skipped |= {id(each) for each in node.values}
    for node in ast.walk(tree):
        if id(node) not in skipped:
            text = _text(node)
            if ' ' in text.replace('...', '').strip() and _OTHER_FORMS.match(text) is None:
                yield Text(module, getattr(node, 'lineno', 0), text)


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return ''.join(
            str(each.value) if isinstance(each, ast.Constant) else '...' for each in node.values
        )
    return ''


def _other_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        yield from _annotations(node)
        match node:
            case ast.Expr(value=ast.Constant() as text):
                yield text
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                | ast.Assign(targets=[ast.Name(id=name)], value=value)
            ) if name in _OTHER_NAMES:
                yield value
            case ast.FunctionDef(name='__repr__') | ast.ClassDef(bases=[ast.Name(id='Enum')]):
                yield node
            case ast.Dict(keys=keys):
                yield from filter(None, keys)
            case ast.Tuple(elts=[ast.Tuple() as words, _]):
                yield words
            case ast.Call():
                yield from _other_arguments(node)


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.AnnAssign(annotation=ast.Name(id='TypeAlias')):
            yield node
        case ast.AnnAssign(annotation=annotation) | ast.arg(annotation=ast.expr() as annotation):
            yield annotation
        case ast.FunctionDef(returns=ast.expr() as annotation):
            yield annotation


def _other_arguments(call: ast.Call) -> Iterator[ast.AST]:
    name = ast.unparse(call.func)
    if name.startswith(('re.', 'regex', 'cast', 'TypeVar')) or '_logger.' in name:
        yield from call.args
    if name.endswith('.split'):
        yield call.func
    for keyword in call.keywords:
        if keyword.arg in {'help', 'type', 'unit', 'short_help', 'metavar'}:
            yield keyword.value
