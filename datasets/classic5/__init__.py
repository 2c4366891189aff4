"""Classic5: 5 grey pictures to measure with."""
