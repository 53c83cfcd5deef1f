"""A unified framework for the universal approximation of transformer-type architectures."""
