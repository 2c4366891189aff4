"""The networks that the paper compares with, each as a small Keras model.

All map a compressed image `[B, H, W, 1]` in [0, 1] to a restored one, of any height and
width. Arguments default to the size published; `experiments.contenders.registry` says
at which size each is trained here.
"""
