"""How the time of a parser grows with its input, measured for every parser that there is.

`attacks` are the texts, `values` what is made of them, `parsers` finds what is attacked, and
`measuring` tells what it costs.
"""
