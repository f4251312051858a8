"""Made-up components, so that recipes can be loaded without the core's own, and a small recipe of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, StringConstraints

from ganforge import interfaces
from ganforge.data.specs import Values
from ganforge.recipe.load import LoadedRecipe, load_recipe
from ganforge.registry import Components, Lookup, Origin


class Residual(interfaces.BlockSpec):
    """Block of the tests."""

    kind: Literal["residual"] = "residual"
    channels: PositiveInt


class Inner(interfaces.Spec):
    depth: int = 1
    note: Annotated[str, StringConstraints(max_length=5)] = ""


class OtherInner(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int


class Many(interfaces.BlockSpec):
    """A field of each type that errors are translated for."""

    kind: Literal["many"] = "many"
    number: float = Field(default=0.5, gt=0, lt=1)
    finite: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    flag: bool = False
    power: Literal[1, 2, 4] = 1
    when: Literal[True, False, "later"] | None = None
    file: Path = Path("a")
    size: int | Literal["auto"] = "auto"
    amount: int | float | str = 1
    triple: tuple[int, int, int] = (1, 2, 3)
    few: Annotated[tuple[int, ...], Field(max_length=2)] = ()
    even: Annotated[int, Field(multiple_of=2, le=10, ge=2)] = 2
    inner: Inner = Inner()
    either: Inner | OtherInner = Inner()
    table: dict[str, Inner] = {}
    per_class: dict[int, float] = {}
    rate: Annotated[interfaces.RateSpec, Lookup("rate")] | None = None
    nested: tuple[Annotated[interfaces.BlockSpec, Lookup("block")], ...] = ()
    names: Values = ()


class Mlp(interfaces.MappingSpec):
    """Mapping of the tests."""

    kind: Literal["mlp"] = "mlp"
    layers: PositiveInt = 8


class After(interfaces.DepthSpec):
    """Depth of the tests."""

    kind: Literal["after"] = "after"
    block: str


class Concat(interfaces.InjectionSpec):
    """Injection of the tests."""

    kind: Literal["concat"] = "concat"
    target = "extra"


class Plain(interfaces.InitialisationSpec):
    """Initialisation of the tests."""

    kind: Literal["plain"] = "plain"


class Folder(interfaces.DatasetSpec):
    """Dataset of the tests."""

    kind: Literal["folder"] = "folder"
    root: Path
    note: str = ""


class Weighted(interfaces.SamplerSpec):
    """Sampler of the tests."""

    kind: Literal["weighted"] = "weighted"
    per_image: tuple[float, ...] = ()


class Logistic(interfaces.LossSpec):
    """Loss of the tests."""

    kind: Literal["logistic"] = "logistic"


class R1(interfaces.RegulariserSpec):
    """Regulariser of the tests."""

    kind: Literal["r1"] = "r1"
    on = "real"
    gamma: PositiveFloat = 10.0
    every: PositiveInt = 1


class Adam(interfaces.OptimizerSpec):
    """Optimizer of the tests."""

    kind: Literal["adam"] = "adam"
    betas: tuple[float, float] = (0.0, 0.99)


class Constant(interfaces.RateSpec):
    """Rate of the tests."""

    kind: Literal["constant"] = "constant"
    rate: PositiveFloat


STUBS = {
    "block": [Residual, Many],
    "mapping": [Mlp],
    "depth": [After],
    "injection": [Concat],
    "initialisation": [Plain],
    "dataset": [Folder],
    "sampler": [Weighted],
    "loss": [Logistic],
    "regulariser": [R1],
    "optimizer": [Adam],
    "rate": [Constant],
}
for specs in STUBS.values():
    for spec in specs:
        spec.__abstractmethods__ = frozenset()  # nothing in these tests builds a component

RECIPE = """\
name: small
resolution: 8
data: {kind: folder, root: /data}
generator:
  latent_dim: 4
  initialisation: {kind: plain}
  blocks:
    head:
      kind: residual
      channels: 8
    resnet_3_0: {kind: residual, channels: 4}
discriminator:
  initialisation: {kind: plain}
  blocks:
    resnet_0_0: {kind: residual, channels: 4}
training:
  batch: 2
  loss: {kind: logistic}
  regularisers:
    - {kind: r1, gamma: 5}
  sampler: {kind: weighted}
  optimizer: {kind: adam}
stages:
  - name: first
    steps: 10
    generator:
      - freeze: '*'
    generator_rate: &rate {kind: constant, rate: 1e-4}
    discriminator_rate: *rate
"""

Load = Callable[..., LoadedRecipe]
Problems = Callable[..., list[str]]


@pytest.fixture(scope="session")
def components() -> Components:
    components = Components()
    for family, specs in STUBS.items():
        for spec in specs:
            components[family].add(spec, Origin("tests", "ganforge-tests", "1.0"))
    return components


@pytest.fixture
def recipe_text() -> str:
    return RECIPE


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, components: Components) -> Load:
    """Loads text as `recipes/x.yaml`, with overrides."""
    monkeypatch.chdir(tmp_path)
    file = Path("recipes/x.yaml")
    file.parent.mkdir()

    def load(text: str | bytes = RECIPE, *overrides: str) -> LoadedRecipe:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_recipe(file, overrides, components)

    return load
