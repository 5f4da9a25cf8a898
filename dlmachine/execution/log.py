"""Log decisions, problems and failures.

A program that has not imported `logging` cannot have configured it, so nothing is logged then:
importing it takes longer than fifty hits.
"""

import sys
from functools import cache
from typing import TYPE_CHECKING, Final

from dlmachine.core.cache.key import shown_url
from dlmachine.core.decision.verdict import Verdict
from dlmachine.core.faults import Fault
from dlmachine.core.faults.printing import printable
from dlmachine.core.protocol.effects import Effect, ExchangeSegments, Wait
from dlmachine.core.protocol.events import (
    EffectFailed,
    Event,
    Interrupted,
    Responded,
    SegmentsEnded,
)
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.protocol.states import Locking, Step
from dlmachine.core.spec.descriptor import Descriptor

if TYPE_CHECKING:
    from logging import Logger


def log_decision(step: Step, descriptor: Descriptor) -> None:
    """Log the decision and its reason, unless the run observes and decides again first."""
    logger = _logger()
    if logger is None or type(step.state) is Locking or not logger.isEnabledFor(_INFO):
        return
    job = getattr(step.state, 'job', None)
    if job is not None:
        verdict, reason = job.decision.verdict.value, job.decision.reason.value
        logger.info('%s %s: %s', verdict, shown_url(descriptor), reason)


def log_repeated(outcome: Outcome, descriptor: Descriptor) -> None:
    """Log that a hit is given again, as the decision was logged."""
    logger = _logger()
    if logger is not None and logger.isEnabledFor(_INFO):
        verdict = Verdict.USE_CACHED.value
        logger.info('%s %s: %s', verdict, shown_url(descriptor), outcome.reason)


def log_step(effect: Effect, event: Event) -> None:
    """Log one effect and its result."""
    logger = _logger()
    if logger is None:
        return
    if isinstance(event, Responded):
        level = _INFO if event.head.status >= _FIRST_ERROR else _DEBUG
        if logger.isEnabledFor(level):
            logger.log(level, '%s: %s', _show(effect), event.head.status)
    elif isinstance(event, (Interrupted, EffectFailed)):
        logger.info('%s: %s', _show(effect), event.fault)
    elif isinstance(event, SegmentsEnded) and isinstance(effect, ExchangeSegments):
        for exchange, end in zip(effect.exchanges, event.ends, strict=True):
            if end is not None:
                log_step(exchange, end)


def log_wait(effect: Wait, descriptor: Descriptor) -> None:
    """Log that a wait begins, how long and why, by a separate logger that can be enabled alone."""
    logger = _logger()
    if logger is not None:
        logger.getChild(WAITS).info('%s: %s', shown_url(descriptor), _show(effect))


def log_download(outcome: Outcome, descriptor: Descriptor) -> None:
    """Log a download from the network, with its destination."""
    if outcome.origin is not Origin.NETWORK or outcome.record is None:
        return
    logger, record = _logger(), outcome.record
    if logger is None:
        return
    for note in outcome.notes:
        logger.warning('%s: %s', shown_url(descriptor), note)
    if logger.isEnabledFor(_INFO):
        size, target = f'{record.size_bytes:,} bytes', printable(outcome.path or 'memory')
        logger.info('got %s: %s into %s', shown_url(descriptor), size, target)


def log_failure(fault: Fault, descriptor: Descriptor) -> None:
    """Log the fault of a failed download."""
    logger = _logger()
    if logger is not None:
        named, text = shown_url(descriptor), str(fault)
        logger.warning('failed %s', text if named in text else f'{named}: {text}')


def warn(text: str) -> None:
    """Log a warning for the caller."""
    logger = _logger()
    if logger is not None:
        logger.warning('%s', text)


def _show(effect: Effect) -> str:
    from dlmachine.core.plan.render import show_effect

    return show_effect(effect)


#: The child of the logger `dlmachine` that reports waits before they begin.
WAITS: Final = 'wait'

_FIRST_ERROR: Final = 400
#: As `logging` numbers its levels.
_DEBUG: Final = 10
_INFO: Final = 20


def _logger() -> 'Logger | None':
    return _make_logger() if 'logging' in sys.modules else None


@cache
def _make_logger() -> 'Logger':
    import logging

    made = logging.getLogger('dlmachine')
    # Without a handler, warnings would be printed on stderr (`logging.lastResort`).
    made.addHandler(logging.NullHandler())
    return made
