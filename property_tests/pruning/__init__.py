"""A deterministic simulation of prunes beside downloads, pins and kills.

Real prunes, the real machine and executor, the real registry (SQLite), use logs and files run in
processes that are paused before each step. As in `property_tests.simulation`, a run depends only on
its tape.

| module | contents |
|---|---|
| `world` | the adapters of one process, paused at each step |
| `installed` | what is replaced in the adapters during a run |
| `promises` | the conditions that hold at each removal, after each step, and at the end |
| `stage` | the setup of a run, and the failures |
| `programs` | what processes do: download, prune, pin |
| `mutants` | mistakes that the simulation must find |
"""
