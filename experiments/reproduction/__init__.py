"""The tables and figures of the paper, one module each.

Each has a `TITLE` and a `make(sources, folder)`, which writes its pictures and CSV
files into `folder` and returns the Markdown that sets ours beside the paper's.
"""
