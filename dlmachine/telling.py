"""Telling the log what is done: one line for what did not go as it was meant to."""

import logging

from dlmachine.core.effects import Effect, ExchangeMany, Wait
from dlmachine.core.events import Answered, Event, Failed, Interrupted, SegmentsEnded
from dlmachine.core.show import show_effect

logger = logging.getLogger('dlmachine')


def log_step(effect: Effect, event: Event) -> None:
    """One effect, and what came of it."""
    if isinstance(event, (Interrupted, Failed)):
        logger.info('%s: %s', show_effect(effect), event.fault)
    elif isinstance(event, SegmentsEnded) and isinstance(effect, ExchangeMany):
        for exchange, end in zip(effect.exchanges, event.ends, strict=True):
            if end is not None:
                log_step(exchange, end)
    elif isinstance(event, Answered):
        level = logging.INFO if event.head.status >= 400 else logging.DEBUG
        if logger.isEnabledFor(level):
            logger.log(level, '%s: %s', show_effect(effect), event.head.status)
    elif isinstance(effect, Wait):
        logger.info('%s', show_effect(effect))
