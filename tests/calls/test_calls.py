"""No work takes more calls than its budget, which only a better reason than convenience may raise."""

import ast
import sys
from pathlib import Path

import pytest

import dlmachine
import dlmachine_adapters
from tests.calls.counting import GROUPS, LOOP, WAIT, count_calls
from tests.calls.work import budgets, count_work

ROOTS = {
    package.__name__: Path(package.__file__ or '').parents[1]
    for package in (dlmachine, dlmachine_adapters)
}


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason='other Pythons count differently')
@pytest.mark.parametrize('name', budgets())
def test_budgets(name: str) -> None:
    """The calls of each group, of the whole, and the returns to a room are within the budget."""
    most, count = budgets()[name], count_work(name).table()

    above = {
        what: (calls, most.get(what))
        for what, calls in count.items()
        if what != WAIT and calls > most.get(what, 0)
    }
    assert not above, 'python -m tests.calls shows all counts'


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason='other Pythons count differently')
@pytest.mark.parametrize('kind', ['', ', decided anew'])
def test_a_recorded_file_is_as_good_as_a_hit(kind: str) -> None:
    """At a path, a file that is used unasked takes at most 1.2 times the calls of a hit."""
    assert count_work(f'recorded file{kind}').total <= 1.2 * count_work(f'hit{kind}').total


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason='other Pythons count differently')
@pytest.mark.parametrize('kind', ['', ', decided anew'])
def test_a_fresh_hit_is_as_good_as_a_hit(kind: str) -> None:
    """By the rules of HTTP or for a duration, it takes at most 1.15 times the calls."""
    most = 1.15 * count_work(f'hit{kind}').total
    assert count_work(f'fresh hit, http{kind}').total <= most
    assert count_work(f'fresh hit, 7d{kind}').total <= most


def test_groups_begin_at_functions_that_exist() -> None:
    """A function that is renamed or moved is renamed in the table of groups, too."""
    for modules in GROUPS.values():
        for module, names in modules.items():
            tree = ast.parse((ROOTS[module.partition('/')[0]] / module).read_text(encoding='utf-8'))
            defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            assert {*names} <= defined, module


def test_calls_are_counted_as_they_happen() -> None:
    """Functions of Python and of C count, and so does every step of a generator."""

    def work() -> None:
        len(list(number for number in (1, 2)))  # noqa: C400

    count = count_calls(work)

    # work, len, and three steps of the generator: `list` is a class, whose calls are not counted.
    assert count.table() == {LOOP: 5, 'all': 5, 'returns': 0}
