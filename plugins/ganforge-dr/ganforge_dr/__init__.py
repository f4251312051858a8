"""Diabetic retinopathy for ganforge: graded fundus photographs and the digital fundus phantom."""

from ganforge.hookspecs import hookimpl
from ganforge.interfaces import DatasetSpec
from ganforge_dr.dataset import DiabeticRetinopathy


@hookimpl
def ganforge_datasets() -> list[type[DatasetSpec]]:
    return [DiabeticRetinopathy]
