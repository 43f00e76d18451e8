"""What should happen: pure decisions from facts to a value and one sentence that explains it."""
