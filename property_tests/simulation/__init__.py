"""A deterministic simulation of downloads in a world where everything may fail.

The real executor, machine and file adapters run over a simulated operating system, network,
registry and locks. A run depends only on its *tape*, a string of bytes, so that a tape replays a
run. After the end of the tape nothing fails.

| module | contents |
|---|---|
| `choices` | the tape, read byte by byte |
| `disk`, `handles` | files, and what survives a power cut |
| `system`, `system_os`, `system_path`, `install` | the system calls of the adapters |
| `clock`, `locks`, `store`, `index`, `world` | the other ports |
| `network`, `response_faults` | the contents of servers, and failures of responses |
| `processes`, `kernel` | processes that run, wait or are killed |
| `nemesis`, `users` | the failures at each step, and what users do to files |
| `requests`, `scenario`, `setup` | targets, servers and files, and the setup of a run |
| `invariants`, `recorded` | the conditions that hold after each step; those of recorded files |
| `coverage` | the pairs of states and events |
| `run`, `tapes`, `tape_corpus`, `shrink` | one run; tapes for many runs; shorter tapes |
| `mutants`, `file_mutants`, `path_mutants` | mistakes that the simulation must find |
"""
