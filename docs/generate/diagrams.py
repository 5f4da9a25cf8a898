"""The diagrams and the table of the state machine's transitions."""

from collections.abc import Mapping
from typing import Final, get_args

from dlmachine.core.protocol.events import EffectFailed
from dlmachine.core.protocol.states import (
    Authorizing,
    CheckingCopy,
    Discarding,
    Exchanging,
    Extracting,
    FallingBack,
    FillingCache,
    Invalidating,
    KeepingChanged,
    KeepingExisting,
    Locking,
    Observing,
    Opening,
    Publishing,
    ReadingChecksums,
    ReadingSource,
    Reassembling,
    Recording,
    Releasing,
    RemovingVersions,
    Segmenting,
    State,
    Unpublishing,
    Validating,
    Waiting,
)
from docs.generate.markdown import table
from docs.generate.transitions import explore

#: The states of each phase; None is the beginning.
_PHASES: Final[Mapping[str, tuple[type | None, ...]]] = {
    'Looking up': (
        None,
        CheckingCopy,
        ReadingChecksums,
        ReadingSource,
        Locking,
        Observing,
        FillingCache,
        Opening,
    ),
    'Requests': (Authorizing, Exchanging, Segmenting, Reassembling, Validating, Waiting),
    'Committing': (
        KeepingChanged,
        KeepingExisting,
        Publishing,
        Recording,
        RemovingVersions,
        Unpublishing,
    ),
    'Ending': (FallingBack, Discarding, Invalidating, Releasing, Extracting),
}
_ORDER: Final = ('[*]', *(kind.__name__ for kind in get_args(State)))


def draw() -> str:
    """One diagram for each phase, as Mermaid.

    `EffectFailed` is left out: it may come in any state, and the table has it.
    """
    parts: list[str] = []
    for phase, sources in _PHASES.items():
        labels: dict[tuple[str, str], list[str]] = {}
        for edge in explore():
            if edge.source in sources and edge.event is not EffectFailed:
                names = labels.setdefault((_name(edge.source), _name(edge.target)), [])
                if edge.event is not None and edge.event.__name__ not in names:
                    names.append(edge.event.__name__)
        parts += [f'### {phase}', _diagram(labels)]
    return '\n\n'.join(parts)


def tabulate() -> str:
    """The transitions as a table: state, effect, event, the states that may follow."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for edge in explore():
        if edge.source is not None and edge.event is not None and edge.effect is not None:
            row = (edge.source.__name__, edge.effect.__name__, edge.event.__name__)
            targets = rows.setdefault(row, [])
            if _name(edge.target) not in targets:
                targets.append(_name(edge.target))
    lines, shown = [], ('', '')
    # Only the state in which a run reads secrets and cookies has two effects.
    for state, effect, event in sorted(rows, key=lambda row: (_ORDER.index(row[0]), row[1])):
        named = f'`{state}`' if state != shown[0] else ''
        first = (named, f'`{effect}`' if (state, effect) != shown else '')
        shown = state, effect
        following = ', '.join(f'`{name}`' for name in rows[state, effect, event])
        lines.append((*first, f'`{event}`', following))
    return table(('state', 'effect', 'event', 'next'), lines)


def _diagram(labels: Mapping[tuple[str, str], list[str]]) -> str:
    lines = ['```mermaid', 'stateDiagram-v2', '    direction LR']
    for source, target in sorted(labels, key=lambda pair: tuple(map(_ORDER.index, pair))):
        names = ', '.join(labels[source, target])
        lines.append(f'    {source} --> {target}' + (f' : {names}' if names else ''))
    return '\n'.join((*lines, '```'))


def _name(kind: type | None) -> str:
    return '[*]' if kind is None else kind.__name__
