"""TFDS builders of the pictures this project trains on and measures with."""
