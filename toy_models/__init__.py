"""Small trained models: data generator, model, training. Hand-written constructions as hooked models in ``hooked``."""
