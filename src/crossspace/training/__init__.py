"""Training: options, one step, the loop, its state and its history."""
