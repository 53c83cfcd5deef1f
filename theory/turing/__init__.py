"""Constant bit-size transformers are Turing complete: the construction as a row of stages.

``machine`` (Turing machine) → ``post`` (one-queue Post machine) → ``tokens`` (token transition table) → ``weights``
(integer weights) → ``decode`` (the literal decoder).
"""
