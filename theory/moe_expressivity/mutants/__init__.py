"""Wrong variants, each the smallest departure that must show.

``atlas`` changes networks of construction A, ``pieces`` the deep mixtures.
"""
