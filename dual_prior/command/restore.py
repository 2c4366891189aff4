"""`dual-prior restore`."""

import argparse
import functools
import sys
from collections.abc import Callable

from dual_prior.command.batch import restore_all
from dual_prior.command.cluster import restore_on_cluster
from dual_prior.command.dry_run import preview
from dual_prior.command.report import Reporter
from dual_prior.files.plan import plan_jobs
from dual_prior.files.search import UsageError


def restore(arguments: argparse.Namespace, load: Callable) -> int:
    """Restores pictures. Returns the exit code.

    Args:
        arguments: As `arguments.parse` returns them.
        load: Makes a `Restorer` from `Options`.

    Raises:
        UsageError: No picture can be restored as requested.
    """
    settings = arguments.settings
    plan = plan_jobs(arguments.inputs, settings, arguments.output, arguments.compare)
    is_dry = arguments.dry_run
    if is_dry and arguments.cluster is not None:
        raise UsageError("--dry-run measures this machine: leave out --cluster.")
    to_stdout = not is_dry and any(job.target is None for job in plan.jobs)
    if to_stdout and sys.stdout.isatty():
        raise UsageError(
            "Pictures are not written to the terminal: use > FILE or --output FILE."
        )
    reporter = Reporter(
        len(plan.jobs) + len(plan.refused),
        quiet=arguments.quiet,
        as_json=arguments.json,
        to_stderr=to_stdout,
        passed_over=dict(plan.search.passed_over),
    )
    for warning in plan.search.warnings + plan.search.unsearched:
        reporter.warn(warning)
    for record in plan.refused:
        reporter.tell(record)
    restorer = functools.cache(lambda: load(settings))
    expected = None
    if is_dry:
        expected = preview(plan.jobs, restorer, settings, reporter)
    elif arguments.cluster is not None:
        restore_on_cluster(plan.jobs, load, settings, reporter, arguments.cluster)
    else:
        restore_all(plan.jobs, restorer, settings, reporter)
    reporter.close(expected)
    return 1 if reporter.failures or plan.search.unsearched or not plan.jobs else 0
