"""The qualities and pictures of the paper's protocol."""

QUALITIES = (10, 20, 30)  # paper: one model for all three

NUM_VALIDATION_PICTURES = 10  # ours: of the 400 training pictures, every 40th
