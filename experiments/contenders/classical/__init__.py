"""The paper's rivals that are not networks, each in a file that reads as its paper.

Each maps a compressed plane `[H, W]`, uint8, and the steps of its quantization table
`[8, 8]` to the restored plane, unrounded.
"""
