"""Strategies for all properties, by the type that they draw."""

from property_tests.strategies.answers import heads
from property_tests.strategies.basics import DIGESTS, NOW, durations, instants
from property_tests.strategies.descriptors import descriptors, header_pairs
from property_tests.strategies.events import events, events_of
from property_tests.strategies.faults import faults
from property_tests.strategies.policies import checksums, policies, wanted, windows
from property_tests.strategies.snapshots import entries, records, snapshots
from property_tests.strategies.targets import targets
from property_tests.strategies.texts import (
    any_text,
    jsons,
    line_texts,
    locations,
    names,
    plain_names,
    urls,
    values,
)

__all__ = [
    'DIGESTS',
    'NOW',
    'any_text',
    'checksums',
    'descriptors',
    'durations',
    'entries',
    'events',
    'events_of',
    'faults',
    'header_pairs',
    'heads',
    'instants',
    'jsons',
    'line_texts',
    'locations',
    'names',
    'plain_names',
    'policies',
    'records',
    'snapshots',
    'targets',
    'urls',
    'values',
    'wanted',
    'windows',
]
