"""Triton kernels of the efficiency methods, one folder an operation, and the records of what was measured on them."""
