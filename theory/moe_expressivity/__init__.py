"""On the expressive power of mixtures of experts for structured complex tasks.

``layer`` is the paper's layer in torch. Approximation on manifolds: ``atlas``, ``manifolds``, ``approximator`` and the
modules that they name. Counting, in exact arithmetic: ``exact`` (mixtures with rational weights), ``boxes`` and
``polytopes`` (their routing regions, the second by the linear programmes of ``feasible``), ``pieces`` (the count),
``deep`` (constructions with E^L pieces), ``obstructions`` (bounds, and what linear gates cannot do), ``mutants``.
"""
