"""Training many small models.

``optimisers`` (SGD, normalised SGD, Adam, AdamW for stacked parameters) → ``ensemble`` (seeds and hyper-parameters side
by side in one batched program) → ``experiment`` (a named function of configuration and seed) → ``store`` (finished runs
under the hash of their inputs and code) → ``sweep`` (configurations and seeds over any executor) → ``fits`` (power laws
with intervals, emergence times with censoring). ``loop`` trains one model on fresh data;
``workers`` is how a process of ours starts.
"""
