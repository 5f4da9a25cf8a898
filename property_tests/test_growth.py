"""The time of every parser is linear in foreign text.

Each public parser is tested with every attack; a new one is found automatically, and so are its
patterns.
"""

import heapq
import re
from copy import copy
from fnmatch import fnmatchcase
from functools import partial
from itertools import product

import pytest

from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Event, PartOpened, Responded
from property_tests.growth import values
from property_tests.growth.attacks import Attack, attacks
from property_tests.growth.calls import CALLS, EXEMPT, LIMITS, SIZED
from property_tests.growth.measuring import CAP, Call, find_growth, seconds_of, slowness
from property_tests.growth.parsers import MOST, find_all, is_exempt, parser_of
from property_tests.growth.patterns import find_patterns, units_of
from tests.builders import (
    NOW,
    URL,
    Run,
    a_part,
    a_policy,
    a_received,
    a_snapshot,
    answered,
)

#: Processor time is measured, because wall time depends on other processes.
pytestmark = pytest.mark.timeout(900)

ATTACKS = attacks()
BARE = [attack for attack in ATTACKS if not (attack.start or attack.end)]
#: The size at which the worst attacks are searched for, and how many of them are measured.
TRIAGE = 512
WORST = 3
#: A parser that takes longer for a harmless text calls other parsers, which are attacked separately.
#: It may take this many times the cap.
PUT_TOGETHER = 0.000_1
PARTS = 4

FOUND = {found.name: found for found in find_all()}
ATTACKED = [name for name in FOUND if not is_exempt(name)]
FIELDS = (
    'Content-Disposition', 'Content-Encoding', 'Content-Length', 'Content-MD5', 'Content-Range',
    'Content-Type', 'Digest', 'ETag', 'Last-Modified', 'Link', 'Location', 'Refresh', 'Repr-Digest',
    'Retry-After', 'Set-Cookie', 'Transfer-Encoding', 'X-Amz-Meta-A', 'x-goog-hash',
)  # fmt: skip
PATTERNS = {f'{used.name}.{used.use}': used for used in find_patterns()}


@pytest.mark.parametrize('name', ATTACKED)
def test_time_is_linear_in_the_text(name: str) -> None:
    """The time also stays below the cap for the largest text within the limits."""
    parser = parser_of(FOUND[name])
    is_whole = parser.is_whole or is_put_together(parser.triage)
    cap = CAP * PARTS if is_whole else CAP
    for attack in worst_attacks(parser.triage, BARE if is_whole else ATTACKS):
        for call in parser.calls:
            problem = find_growth(call, attack.grown, parser.most, cap)
            assert problem is None, f'{name} {problem}: {attack}'


@pytest.mark.parametrize('name', PATTERNS)
def test_patterns_take_no_more_time_than_their_text(name: str) -> None:
    """Each compiled pattern is attacked with the words in it, as its module uses it."""
    used = PATTERNS[name]
    for attack in worst_attacks((used,), attacks(units_of(used.pattern))):
        problem = find_growth(used, attack.grown, MOST)
        assert problem is None, f'{name} {problem}: {attack}'


def test_patterns_are_found_however_they_are_compiled() -> None:
    """At once, or on first use."""
    assert len(PATTERNS) > 100


def worst_attacks(triage: tuple[Call, ...], tried: list[Attack]) -> list[Attack]:
    """The attacks that are slowest at a small size."""
    if not triage:
        return [Attack('', 'x', '')]
    took = (
        (max(seconds_of(call, attack.grown(TRIAGE)) for call in triage), number)
        for number, attack in enumerate(tried)
    )
    return [tried[number] for _, number in heapq.nlargest(WORST, took)]


def is_put_together(triage: tuple[Call, ...]) -> bool:
    """Whether even a harmless text is slow, because many parsers read it."""
    if not triage:
        return False
    dull = min(sum(seconds_of(call, 'x' * TRIAGE) for call in triage) for _ in range(5))
    return dull > PUT_TOGETHER * len(triage)


@pytest.mark.parametrize('name', FIELDS)
def test_step_of_a_run_is_linear_in_its_response(name: str) -> None:
    """A step of the machine is linear in the response that it receives."""
    part = a_part()
    for status, attack in product((200, 206, 302, 304, 429), BARE[:: len(BARE) // 16]):
        run = Run(None, a_policy(), a_snapshot(part=part))
        run.feed(PartOpened(at=NOW, size_bytes=5))
        fields = values.as_fields(attack.grown(MOST), (name,))
        answer = Responded(
            at=NOW, head=ResponseHead(status=status, headers=fields), received=a_received()
        )
        took = min(seconds_of(partial(partial, feed, copy(run), answer), '') for _ in range(2))
        assert took < CAP * PARTS or took < CAP * PARTS * slowness(), (
            f'{took:.2f} s: {status}, {name}: {attack}'
        )


def test_redirect_secrets_do_not_accumulate() -> None:
    """Each URL is full of tokens, and each token is then a secret."""
    run = Run(None, a_policy()).feed(PartOpened(at=NOW, size_bytes=0))
    for hop in range(14):
        if not isinstance(run.step.effect, Exchange):
            break
        tokens = '&'.join(f'token{n}={hop}secret{n}' for n in range(3_000))
        moved = answered(302, {'Location': f'{URL}?{tokens[: MOST - 100]}'})
        before = copy(run)
        took = min(seconds_of(partial(partial, feed, copy(before), moved), '') for _ in range(2))
        assert took < CAP * PARTS or took < CAP * PARTS * slowness(), f'hop {hop} took {took:.2f} s'
        run = before.feed(moved)


def feed(run: Run, event: Event, _: str) -> None:
    """Pass an event to a run."""
    run.feed(event)


@pytest.mark.parametrize('patterns', [CALLS, SIZED, EXEMPT, LIMITS])
def test_no_growth_exemption_is_out_of_date(patterns: dict[str, object]) -> None:
    """Every exemption names an existing parser."""
    unknown = [one for one in patterns if not any(fnmatchcase(name, one) for name in FOUND)]
    assert unknown == []


def test_a_quadratic_parser_is_found() -> None:
    """The measurement detects quadratic time and endless loops."""

    def quadratic(text: str) -> object:
        return [text[at:].count('x') for at in range(len(text))]

    for function, is_bad in (
        (quadratic, True),
        (re.compile('(x*)*y').fullmatch, True),
        (re.compile('x*').fullmatch, False),
    ):
        assert (find_growth(partial(partial, function), 'x'.__mul__, MOST) is not None) is is_bad
