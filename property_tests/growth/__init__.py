"""Measure for every parser how its time grows with its input.

`attacks` are the texts, `values` makes arguments of them, `parsers` finds the functions to attack,
and `measuring` measures their time.
"""
