"""Round trips of values through text: plans, records, all others."""

import json
import pickle

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from dlmachine.core.cache.record import DownloadRecord, parse_record
from dlmachine.core.decision.snapshot import Snapshot
from dlmachine.core.faults import Fault
from dlmachine.core.plan import codec
from dlmachine.core.plan.plan import Plan, plan
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from property_tests import strategies as of


@given(of.targets())
def test_plans_round_trip(target: tuple[Descriptor, Policy, Snapshot]) -> None:
    """Pickle keeps a plan equal; JSON does too, with secrets masked."""
    made = plan(*target)
    if not is_successful(made):
        return
    whole = made.unwrap()
    assert pickle.loads(pickle.dumps(whole)) == whole
    read = Plan.from_json(whole.to_json()).unwrap()
    assert read == whole.redacted()
    assert str(read) == str(whole)
    assert read.with_descriptor(*target[:2]).unwrap() == whole


@given(
    of.snapshots()
    | of.policies(validate=None)
    | of.descriptors()
    | of.faults
    | of.records
    | st.binary(max_size=5)
    | of.durations
)
def test_every_value_round_trips(value: object) -> None:
    """A written value is read back equal."""
    assert codec.loads(codec.dumps(value)).unwrap() == value


@given(
    of.any_text
    | st.recursive(
        of.jsons,
        lambda inner: st.dictionaries(
            st.sampled_from(['$', 'value', 'iso', 'parts', 'base64', 'items']),
            inner
            | st.sampled_from(
                ['Plan', 'bytes', 'datetime', 'timedelta', 'Verdict', 'Headers', 'Window', 'Status']
            ),
            max_size=3,
        ),
    ).map(json.dumps)
)
def test_reading_never_raises(text: str) -> None:
    """Any text is read as a value, a plan or a fault."""
    for read in (codec.loads(text), Plan.from_json(text), parse_record(text)):
        assert is_successful(read) or str(read.failure())


@given(of.records)
def test_records_round_trip(record: DownloadRecord) -> None:
    """A record is one line of JSON, and is read back equal."""
    text = record.to_json()
    assert '\n' not in text
    assert parse_record(text).unwrap() == record


@given(of.faults)
def test_faults_pickle(fault: Fault) -> None:
    """A pickled fault is read back equal."""
    assert pickle.loads(pickle.dumps(fault)) == fault
