"""On the expressive power of mixtures of experts for structured complex tasks."""
