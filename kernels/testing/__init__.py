"""What checks a kernel: error budgets, compilation ahead of time, and wrong variants that a check must reject."""
