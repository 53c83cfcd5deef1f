"""Hooked models with transformer-lens's hook names: a base class, one architecture, and the exporters of ``theory``."""
