"""What is sent in a step is counted from the plan, and is what is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from cases import recipe_data, stage
from torch import Tensor
from traffic import traffic
from trainings import trainer

from ganforge.planning import plan_recipe
from ganforge.processes.group import Processes
from ganforge.processes.stop import REASONS
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components

ROOT = Path(__file__).parents[3]


class Counted(Processes):
    """Two processes, of which the other sends zeros."""

    sizes: list[int] = []

    def add_up(self, values: Tensor) -> None:
        self.sizes.append(values.numel())


def test_trained_gradients_are_sent_and_frozen_ones_are_not(tmp_path: Path) -> None:
    data = recipe_data("style")
    data["training"]["batch"] = 4
    data["stages"] = [stage("one", 1, generator=[{"freeze": "style_0.*"}], discriminator=[{"freeze": "conv_img.*"}])]
    training = trainer(data, tmp_path)
    training.exchange.processes = training.processes = Counted(0, 2)
    training._enter_stage(training.schedule.at(0))
    training._one_step()
    (sent,) = traffic(training.plan)
    assert sent.frozen > 0
    networks = (training.generator, training.discriminator)
    numbers = [sum(1 for p in network.parameters() if p.requires_grad) for network in networks]
    of_samples = 4 * 2 + 4 * 2 * 3 * 8 * 8 + 1  # logits, pooled images, and the penalty
    assert Counted.sizes == [
        sent.generator // 4 + numbers[0] + 2 + len(REASONS),
        sent.discriminator // 4 + numbers[1] + 2 + len(REASONS) + of_samples,
    ]
    whole = 4 * (training.plan.generator.num_parameters + training.plan.discriminator.num_parameters)
    assert sent.generator + sent.discriminator + sent.frozen == whole


@pytest.mark.parametrize(
    "name",
    [
        "dr_transfer_cgan",
        "dr_best",
        "dr_128_cgan",
        "dr_256_cgan",
        "paper/dr_scratch_cgan",
        "paper/dr_transfer_cgan",
    ],
)
def test_the_table_in_the_docs_is_what_is_counted(name: str, components: Components) -> None:
    plan = plan_recipe(load_recipe(ROOT / "recipes" / f"{name}.yaml", (), components))
    page = (ROOT / "docs" / "scaling.md").read_text()
    rows = [
        f"| `{name}` | {sent.stage} | {sent.generator / 1e6:.1f} | {sent.discriminator / 1e6:.1f} "
        f"| {sent.frozen / 1e6:.1f} |"
        for sent in traffic(plan)
    ]
    assert [row for row in page.splitlines() if row.startswith(f"| `{name}` |")] == rows


def test_a_gradient_of_another_layout_is_read_as_its_parameter_lies(tmp_path: Path) -> None:
    training = trainer(recipe_data(), tmp_path)
    training.exchange.processes = Processes(0, 2)
    weight = training.discriminator.resnet_0_0.conv_0.weight  # type: ignore[union-attr]
    assert isinstance(weight, torch.nn.Parameter) and not weight.is_contiguous()
    weight.grad = torch.arange(weight.numel(), dtype=torch.float32).view(weight.shape)
    before = weight.grad.clone()
    training.exchange.add_up([weight], "x", None)
    assert weight.grad.stride() == weight.stride() and torch.equal(weight.grad, before)
