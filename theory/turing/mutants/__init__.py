"""Wrong variants of the constructions, each the smallest departure that must break it: what the checks have to catch.

``network``: one part of the network (``WEIGHT_MUTANTS``) or one rule of the Post machine (``TABLE_MUTANTS``).
``decoders``: one rule of the simulator in linear space (``STREAMING_MUTANTS``), or a blind head. ``programs``: one rule
of the growing Post machine, of a tag system, or of the universal and the formula machine.
"""
