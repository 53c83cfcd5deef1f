"""Many queues of geometric sizes instead of one: O(s^(1/k')) steps per Turing step, as a row of stages.

``layout`` (queue sizes) → ``state``, ``control`` (the finite control, a pure function) → ``machine`` (K queues) →
``table`` (recorded rows and rules) → ``weights`` (integer weights) → ``decode`` (the literal decoder). ``fast`` runs a
table at tens of millions of steps per second; ``measure`` compares, counts and fits; ``mutants`` are wrong variants.
"""
