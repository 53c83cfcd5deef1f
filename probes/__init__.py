"""Measurements inside a model: functions of a model and inputs that return a named number with a stated range."""
