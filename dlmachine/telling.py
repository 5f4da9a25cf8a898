"""Telling the log what is done: the verdict, what did not go as it was meant to, and failures.

Whoever has not loaded `logging` can not have asked for records, so there are none then: to
load it takes longer than fifty hits.
"""

import sys
from functools import cache
from typing import TYPE_CHECKING

from dlmachine.core.effects import Effect, ExchangeMany, Wait
from dlmachine.core.events import Answered, Event, Failed, Interrupted, SegmentsEnded
from dlmachine.core.faults import Fault
from dlmachine.core.show import show_effect
from dlmachine.core.states import Step

if TYPE_CHECKING:
    from logging import Logger


def tell_verdict(step: Step, key: str) -> None:
    """What was decided at the start, and why."""
    logger, job = _logger(), getattr(step.state, 'job', None)
    if logger is not None and job is not None:
        verdict, reason = job.decision.verdict.value, job.decision.reason.value
        logger.info('%s %s: %s', verdict, key[:_KEY_LENGTH], reason)


def tell_step(effect: Effect, event: Event) -> None:
    """One effect, and what came of it."""
    logger = _logger()
    if logger is None:
        return
    if isinstance(event, (Interrupted, Failed)):
        logger.info('%s: %s', show_effect(effect), event.fault)
    elif isinstance(event, SegmentsEnded) and isinstance(effect, ExchangeMany):
        for exchange, end in zip(effect.exchanges, event.ends, strict=True):
            if end is not None:
                tell_step(exchange, end)
    elif isinstance(event, Answered):
        from logging import DEBUG, INFO

        level = INFO if event.head.status >= _FIRST_ERROR else DEBUG
        if logger.isEnabledFor(level):
            logger.log(level, '%s: %s', show_effect(effect), event.head.status)
    elif isinstance(effect, Wait):
        logger.info('%s', show_effect(effect))


def tell_failure(fault: Fault, key: str) -> None:
    """Why it could not be done."""
    logger = _logger()
    if logger is not None:
        logger.warning('failed %s: %s', key[:_KEY_LENGTH], fault)


def warn(text: str, *parts: object) -> None:
    """What a caller may want to know, though it stops nothing."""
    logger = _logger()
    if logger is not None:
        logger.warning(text, *parts)


_KEY_LENGTH = 12
_FIRST_ERROR = 400


def _logger() -> 'Logger | None':
    return _make_logger() if 'logging' in sys.modules else None


@cache
def _make_logger() -> 'Logger':
    import logging

    made = logging.getLogger('dlmachine')
    # Else what nobody asked for would be printed (`logging.lastResort`).
    made.addHandler(logging.NullHandler())
    return made
