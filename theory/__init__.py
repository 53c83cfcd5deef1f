"""Executable constructions: definitions, weights written by hand, exact dynamics, solvers. One folder a paper."""
