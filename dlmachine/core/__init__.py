"""The pure core: everything that can be decided wrongly is decided here.

The rules of this folder, held by `tests/test_architecture.py`:

- no IO, no clock, no randomness, no logging: time and chance come in as values;
- only value types of the standard library, `returns` and `rfc8785` (a pure function);
- every type is a frozen, slotted dataclass (`frozen`); a change is a new value;
- expected failures are `Fault` values inside `returns.result.Failure`, never exceptions;
- every transition of a download is in the modules of `machine/`.
"""
