"""Change what an agent runs: plan, decide, pre-flight, apply, verify, roll back."""
