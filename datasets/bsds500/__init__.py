"""BSDS500: photographs to train on (train, test) and to measure with (validation)."""
