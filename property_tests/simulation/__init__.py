"""A world in which anything may go wrong, and in which nothing is left to chance.

The real executor, machine and file adapters run over a simulated operating system, network,
registry and set of locks. All that happens in a run follows from a *tape*, a string of
bytes: whoever has the tape can see the run again. Where the tape ends, so do the troubles.

| module | what it is |
|---|---|
| `choices` | the tape, read byte by byte |
| `disk`, `handles`, `system`, `install` | files, and the calls by which the adapters reach them |
| `clock`, `locks`, `store`, `world` | the other ports |
| `network`, `troubles` | what servers have, and what may happen to an answer |
| `processes`, `kernel` | who runs, who waits, who is killed |
| `nemesis` | what goes wrong at a step |
| `targets`, `scene`, `stage` | what is asked for, of whom, and the run itself |
| `invariants` | what must hold after each step |
| `coverage` | which events met which states |
| `play`, `tapes`, `shrink` | one run; tapes for many runs; a shorter tape that fails too |
| `mutants` | mistakes planted to see whether they are found |
"""
