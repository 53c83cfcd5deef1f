"""Attention of one new token over a cache of keys and values: what generation spends its time on."""
