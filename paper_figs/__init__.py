"""Figures and tables of the papers, one module a paper; ``lemmata figure`` draws them."""
