"""Mixtures of experts that are trained, not written: does training find what the constructions prove to exist?

``manifold`` is the paper's Experiment I, a function on a curve in many dimensions; ``pieces`` its Experiment II, a
piecewise function of two variables.
"""
