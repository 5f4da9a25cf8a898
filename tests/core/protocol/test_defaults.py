"""What effects, events and states say unless more is said, and what they do not show."""

from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass
from inspect import getmembers, isclass
from typing import Any

from dlmachine.core.protocol import (
    attempts,
    body_decision,
    effects,
    events,
    expectation,
    job,
    outcome,
    states,
)

MODULES = (attempts, body_decision, effects, events, expectation, job, outcome, states)
#: Whatever is replaced, it is by default what a run has published; and a stored copy may stand in.
TRUE = {'Publish.replace', 'Job.may_fall_back'}
#: They may contain secrets.
HIDDEN = {
    'Attempts.key_password', 'Attempts.proxy_password', 'CookiesRead.own', 'Interrupted.added', 'Interrupted.decision',
    'Outcome.record', 'Outcome.story', 'Responded.added', 'Responded.decision', 'SecretRead.value',
}  # fmt: skip
#: What follows from the rest, or is masked when it is stored.
NOT_COMPARED = {
    'Interrupted.added',
    'Interrupted.decision',
    'Responded.added',
    'Responded.decision',
}


def every_field() -> Iterator[tuple[str, Field[Any]]]:
    """The fields of all classes of the protocol, by their names."""
    for module in MODULES:
        for name, kind in getmembers(module, isclass):
            if is_dataclass(kind) and kind.__module__ == module.__name__:
                for each in fields(kind):
                    yield f'{name}.{each.name}', each


def test_what_is_not_said_is_empty() -> None:
    """Texts are empty, numbers zero, and nothing is the case but what a run does everywhere."""
    for name, each in every_field():
        if isinstance(each.default, bool):
            assert each.default is (name in TRUE), name
        elif isinstance(each.default, (str, int)):
            assert not each.default, name


def test_what_is_not_shown() -> None:
    """Fields with passwords, with cookies, and with responses that may echo them; and long records."""
    assert {name for name, each in every_field() if not each.repr} == HIDDEN


def test_what_is_not_compared() -> None:
    """Two responses are equal if servers said the same."""
    assert {name for name, each in every_field() if not each.compare} == NOT_COMPARED
