"""The words of the project: a glossary, and words that are no longer used."""

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

import dlmachine
import dlmachine_adapters

ROOT: Final = Path(__file__).parent.parent
#: Where they are installed: beside the tests, or from the wheel.
PACKAGES: Final = tuple(Path(str(one.__file__)).parent for one in (dlmachine, dlmachine_adapters))
GLOSSARY: Final = ROOT / 'docs' / 'reference' / 'glossary.md'
#: A retired word or phrase as a pattern, and what to write instead.
RETIRED: Final = {
    r'wish(es)?\b': 'target',
    r'(?:crews?|foreman)\b': 'pool, supervisor',
    r'ledger\b': 'group commit',
    r'(?:baton|relay(s|ed)?)\b': 'remote run, run with an executor',
    r'manners\b': 'rate limits',
    r'valve\b': 'bandwidth limiter',
    r'reception\b': 'response reader',
    r'departures?\b': 'send slot',
    r'keepers?\b': 'part storage',
    r'(?:menders?|mends?|mended|mending)\b': 'repair',
    r'(?:cures?|treatments?)\b': 'repair',
    r'put away\b': 'move to quarantine',
    r'(?:goes on from|go on from|gone on from|going on from)\b': 'resume',
    r'(?:what came of|what comes of)\b': 'result',
    r'can not\b': 'cannot',
    r'(?<!there )is no (?!longer|more)': 'is not a',
    r'whoever\b': 'name the caller, process, user or server',
    r'stands? in for\b': 'replace, or a stale copy',
    r'(?:this|other|another) machines?\b': 'this computer, another computer',
    r'errands?\b': 'workload',
    r'the trail\b': 'the redirects',
}
#: Names that work with a warning.
OLD_NAMES: Final = frozenset({'wish'})


@cache
def _documents() -> list[tuple[str, str]]:
    return list(_read_documents())


def _read_documents() -> Iterator[tuple[str, str]]:
    for path in (*ROOT.glob('*.md'), *ROOT.glob('docs/**/*.md')):
        if path.name != 'CHANGELOG.md':
            yield str(path.relative_to(ROOT)), path.read_text(encoding='utf-8')


@cache
def _docstrings() -> list[tuple[str, str]]:
    return list(_read_docstrings())


def _read_docstrings() -> Iterator[tuple[str, str]]:
    for where, path in _sources():
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
            text = ast.get_docstring(node) if isinstance(node, kinds) else None
            if text:
                yield f'{where}: {getattr(node, "name", "module")}', text


def _sources() -> Iterator[tuple[str, Path]]:
    for folder in (*PACKAGES, ROOT / 'tests', ROOT / 'property_tests', ROOT / 'docs'):
        for path in folder.rglob('*.py'):
            yield str(path.relative_to(folder.parent)), path


@cache
def _names_and_comments() -> list[tuple[str, str]]:
    return list(_read_names_and_comments())


def _read_names_and_comments() -> Iterator[tuple[str, str]]:
    for where, path in _sources():
        with path.open('rb') as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.COMMENT:
                    yield f'{where}:{token.start[0]}', token.string
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            name = _defined_name(node)
            if name and name not in OLD_NAMES:
                spoken = re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', name).replace('_', ' ')
                yield f'{where}: {name}', spoken


def _defined_name(node: ast.AST) -> str:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return node.name
        case ast.arg():
            return node.arg
        case ast.Name(ctx=ast.Store()):
            return node.id
        case _:
            return ''


@pytest.mark.parametrize('pattern', RETIRED)
def test_retired_words_are_not_used(pattern: str) -> None:
    """In no document, docstring, comment or name."""
    word = re.compile(
        rf'\b(?:{pattern})\b' if pattern[-1] != ')' else rf'\b(?:{pattern})', re.IGNORECASE
    )
    texts = (*_documents(), *_docstrings(), *_names_and_comments())
    found = [f'{where}: {one[0]!r}' for where, text in texts for one in word.finditer(text)]
    assert not found, f'write {RETIRED[pattern]!r} instead:\n' + '\n'.join(found)


def _terms() -> list[tuple[str, str, str]]:
    rows = re.findall(r'(?m)^\| ([^|]+) \| ([^|]+) \| ?([^|]*) ?\|$', GLOSSARY.read_text('utf-8'))
    return [row for row in rows if row[0] != 'Term']


def test_the_glossary_is_in_order() -> None:
    """Each term once, by the alphabet, with one sentence or two."""
    terms = [term for term, _, _ in _terms()]
    assert len(terms) > 40
    assert terms == sorted(set(terms))
    for term, meaning, standard in _terms():
        assert meaning.endswith('.'), term
        assert len(meaning) <= 120, term
        assert re.fullmatch(r'(RFC \d{4}, section \d+(\.\d+)*)?', standard.strip()), term


@pytest.mark.parametrize('term', [term for term, _, _ in _terms()])
def test_terms_of_the_glossary_are_used(term: str) -> None:
    """In a document or a docstring of the product."""
    word = re.compile(rf'\b{re.escape(term)}s?\b'.replace(r'\ ', r'\s+'), re.IGNORECASE)
    texts = [text for where, text in _documents() if 'glossary' not in where]
    texts += [text for where, text in _docstrings() if where.startswith(('dlmachine', 'adapters'))]
    assert any(word.search(text) for text in texts)
