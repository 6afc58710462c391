"""What is decided on: one file an aggregate, state and evolve."""
