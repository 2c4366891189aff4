"""`dual-prior inspect`."""

import argparse
import json
import os
import sys
from collections.abc import Callable

from dual_prior.command.loading import NoNetworkError
from dual_prior.command.report import complain
from dual_prior.files.picture_file import picture_file
from dual_prior.files.plan import plan_jobs
from dual_prior.files.restore import is_kept
from dual_prior.files.search import UsageError
from dual_prior.pictures.consistency import clipping_of
from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.reader import read_picture
from dual_prior.system.atomic_file import remove_leftovers
from dual_prior.system.signals import raise_if_requested
from dual_prior.system.text import one_line, shown


def inspect(arguments: argparse.Namespace, load: Callable) -> int:
    """Reports how pictures were compressed. Args, Returns, Raises: as for `restore`."""
    from dual_prior.pictures.facts import description, description_text  # with OpenCV

    settings, figure = arguments.settings, arguments.figure
    if figure and figure.suffix.lower() != ".png":
        raise UsageError(f"--figure: expected a name NAME.png, got {figure}.")
    plan = plan_jobs(arguments.inputs, settings=None, compare=figure)
    is_there = os.path.lexists(figure or "") and not settings.overwrite
    if is_there or is_kept(figure, settings):
        raise UsageError(f"--figure: {figure} exists; --overwrite replaces it.")
    for warning in plan.search.warnings + plan.search.unsearched:
        complain(warning)
    if figure:
        remove_leftovers(os.path.dirname(os.path.realpath(figure)))
    restorer = None
    failures = len(plan.search.unsearched)
    for job in plan.jobs:
        raise_if_requested()
        try:
            picture = read_picture(
                job.source or sys.stdin.buffer,
                settings.limits,
                strict=settings.strict,
                salvage=settings.salvage,
                name=job.name,
                page=settings.page,
            )
            restorer = restorer or load(settings)
            probability = restorer.probability(picture.pixels)
            is_clean = picture.jpeg is None and restorer.is_clean(
                probability, picture.trace
            )
            clipping = clipping_of(picture, settings.consistency).words
            facts = description(picture, probability, is_clean, clipping)
            if figure:
                from dual_prior.drawing.stages import stages_png  # takes seconds

                with picture_file(figure) as write:
                    write(stages_png(restorer, picture.pixels, picture.tables))
        except NoNetworkError:
            raise
        except PictureError as error:
            complain(error)
            failures += 1
            continue
        except Exception as error:  # of a backend, mostly for lack of memory
            complain(f"{job.name}: cannot be inspected ({one_line(error)})")
            failures += 1
            continue
        name = shown(job.name)
        if arguments.json:
            print(json.dumps({"input": job.name, **facts}))
        elif len(plan.jobs) > 1 and not arguments.tables:
            chance = f"compressed with probability {facts['probability']:.3f}"
            chance += ", unchanged" if is_clean else ""
            print(f"{name} ({facts['size']}, {facts['kind']}): {chance}")
            for warning in facts["warnings"]:
                complain(f"{job.name}: warning: {warning}")
        else:
            print(f"{name}\n{description_text(facts)}")
            if figure:
                print(f"  drawn in {shown(figure)}")
    return 1 if failures or not plan.jobs else 0
