"""Distances between generated and real images: `fd` and `kd` offline, `fid` and `kid` with the Inception weights."""

from __future__ import annotations

from ganforge import hookimpl
from ganforge.interfaces import EvaluatorSpec
from ganforge_fid.specs import FID, KID, FrechetDistance, KernelDistance


@hookimpl
def ganforge_evaluators() -> list[type[EvaluatorSpec]]:
    return [FrechetDistance, KernelDistance, FID, KID]
