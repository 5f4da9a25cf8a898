"""`python -m tests.calls`: print the calls of each work by group, with their budgets.

`--walk` prints the rooms of one work in the order in which control came there, and `--budget` writes
budgets of 10 % more than what is counted now.
"""

import argparse
import json

from tests.calls.counting import GROUPS, LOOP, Count
from tests.calls.work import BUDGETS, WORKS, budgets, count_work


def main() -> None:
    """Count; print a table or a walk, or write budgets."""
    parser = argparse.ArgumentParser(prog='python -m tests.calls', description=__doc__)
    parser.add_argument('--walk', choices=[*WORKS], help='a work')
    parser.add_argument('--budget', action='store_true', help='write budgets')
    asked = parser.parse_args()
    names = [*WORKS] if asked.walk is None else [asked.walk]
    counts = {name: count_work(name) for name in names}
    if asked.walk is not None:
        print('\n'.join(counts[asked.walk].walk))
        return
    if asked.budget:
        most = {
            name: {what: calls * 11 // 10 for what, calls in count.table().items()}
            for name, count in counts.items()
            if count.walk
        }
        BUDGETS.write_text(json.dumps(most, indent=1) + '\n', encoding='utf-8')
    print(_table(counts))


def _table(counts: dict[str, Count]) -> str:
    columns = [*GROUPS, LOOP, 'all', 'budget', 'rooms', 'returns']
    lines = [_row('', columns), '|'.join(['', ' --- ', *(' ---: ' for _ in columns), ''])]
    most = budgets()
    for name, count in counts.items():
        cells = {
            **count.table(),
            'budget': most.get(name, {}).get('all', ''),
            'rooms': len({*count.walk}),
        }
        lines.append(_row(name, [str(cells.get(column, '')) for column in columns]))
    return '\n'.join(lines)


def _row(name: str, cells: list[str]) -> str:
    return f'| {" | ".join([name, *cells])} |'


if __name__ == '__main__':
    main()
