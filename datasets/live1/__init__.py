"""LIVE1: 29 colour pictures to measure with."""
