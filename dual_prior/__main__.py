"""`python -m dual_prior`: the `dual-prior` command."""

from dual_prior.cli import run

run()
