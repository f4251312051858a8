"""Generators as graphs: the same images, or a refusal that names the block."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import components, networks, planned, randomise, recipe_data
from runs import LABEL
from torch import Tensor, nn

from ganforge.blocks.base import Context
from ganforge.errors import UsageError
from ganforge.exports.graph import MOST, TOLERANCE, ExportError, Graph, compare, expected, rounding, trace
from ganforge.exports.write import export
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.pictures import to_uint8
from ganforge.randomness import Draws
from ganforge.sampling import Sampler
from ganforge.trained import Trained

needs_onnx = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
    reason="onnx, onnxscript or onnxruntime is not installed: pip install 'ganforge[onnx]'",
)


def tiny(name: str, *, conditional: bool = True) -> Generator:
    data = recipe_data(name)
    data["generator"]["label"] = [LABEL] if conditional else []
    generator, _ = networks(planned(data))
    randomise(generator)
    return generator.eval()


def written(trained: Trained, out: Path, *formats: Any) -> dict[str, tuple[float, float]]:
    graph = export(trained, out, formats, components(), Listener(), "other").graph
    assert graph is not None
    return graph.differences


def sampled_inputs(generator: Generator, graph: Graph, labels: list[int], seed: int, truncation: float) -> Any:
    """What `ganforge sample` draws for these labels, as inputs of a graph."""
    draws = Draws(seed, "sample", range(len(labels)))
    inputs = {"z": draws.normal(generator.latent_dim), "label": torch.tensor(labels)}
    inputs["truncation"] = torch.full((len(labels),), truncation)
    if graph.noise_sides:
        inputs["noise"] = torch.cat([draws.noise(*sides).flatten(1) for sides in graph.noise_sides], dim=1)
    return inputs


@pytest.mark.parametrize("name", ["style", "transfer", "gp_gan"])
def test_a_traced_graph_gives_the_images_of_sample(name: str) -> None:
    generator = tiny(name)
    graph = Graph(generator, 2).eval()
    program = trace(graph).module()
    labels = [0, 1, 1, 0, 1]
    inputs = sampled_inputs(generator, graph, labels, 0, 0.7)
    wanted = Sampler(generator, 0, 0.7).images(labels).astype(int)
    assert np.abs(to_uint8(program(**inputs)).astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("conditional", [True, False])
def test_a_graph_has_the_inputs_that_its_generator_reads(conditional: bool) -> None:
    assert list(Graph(tiny("style", conditional=conditional), 2).inputs(2)) == [
        "z", *(["label"] if conditional else []), "truncation", "noise",
    ]  # fmt: skip
    assert "noise" not in Graph(tiny("gp_gan"), 2).inputs(2)


def test_no_noise_is_noise_of_zeros() -> None:
    generator = tiny("style")
    graph = Graph(generator, 2).eval()
    inputs = graph.inputs(3) | {"noise": torch.zeros(3, sum(h * w for h, w in graph.noise_sides))}
    inputs["truncation"] = torch.ones(3)
    with torch.no_grad():
        assert torch.allclose(graph(**inputs), generator(inputs["z"], inputs["label"]), atol=1e-5)


def test_the_program_is_read_by_torch_alone(trained: Trained, tmp_path: Path) -> None:
    differences = written(trained, tmp_path / "out", "torch_export")
    difference, allowed = differences["torch_export"]
    assert 0 <= difference <= allowed == TOLERANCE
    extra = {"ganforge.json": ""}
    program = torch.export.load(str(tmp_path / "out" / "model.pt2"), extra_files=extra).module()
    assert json.loads(extra["ganforge.json"])["warning"].startswith("PHANTOM")
    length = sum(h * w for h, w in json.loads((tmp_path / "out" / "config.json").read_text())["graph"]["noise_sides"])
    for num in (1, 2, 9):
        images = program(
            z=torch.zeros(num, 4),
            label=torch.zeros(num, dtype=torch.int64),
            truncation=torch.ones(num),
            noise=torch.zeros(num, length),
        )
        assert images.shape == (num, 3, 8, 8)


@needs_onnx
def test_onnxruntime_computes_the_same_for_any_batch(trained: Trained, run: Path, tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    ((difference, allowed),) = written(trained, tmp_path / "out", "onnx").values()
    assert 0 <= difference <= allowed == TOLERANCE
    assert f"{difference:.1e} of 1.0e-04 allowed" in (tmp_path / "out" / "README.md").read_text()
    content = (tmp_path / "out" / "model.onnx").read_bytes()
    assert not [
        place
        for place in (str(run), "site-packages", str(Path(torch.__file__).parents[1]), "stack_trace")
        if place.encode() in content
    ]
    note = {each.key: each.value for each in onnx.load_from_string(content).metadata_props}
    assert note["classes"] == "across; upright" and note["warning"].startswith("PHANTOM")
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == ["z", "label", "truncation", "noise"]
    assert [each.name for each in session.get_outputs()] == ["images"]
    graph = Graph(trained.generator, 2).eval()
    labels = [1, 0, 1, 1, 0, 0, 1]
    inputs = sampled_inputs(trained.generator, graph, labels, 5, 1.0)
    (images,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    wanted = Sampler(trained.generator, 5).images(labels).astype(int)
    assert np.abs(to_uint8(torch.from_numpy(images)).astype(int) - wanted).max() <= 1


class Block(nn.Module):
    """A third party's block that is no graph."""

    def __init__(self, compute: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.compute = compute

    def forward(self, h: Tensor, context: Context) -> Tensor:
        h = h.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        return self.compute(h)


def with_block(trained: Trained, compute: Callable[[Tensor], Tensor]) -> Trained:
    generator = tiny("gp_gan")
    generator.up_0 = Block(compute)
    return replace(trained, generator=generator)


def test_a_block_that_branches_on_its_values_is_named(trained: Trained, tmp_path: Path) -> None:
    odd = with_block(trained, lambda h: h if float(h.sum()) > 0 else -h)
    with pytest.raises(ExportError, match=r"can't be traced: 'up_0' \(Block\) does what no graph can: ") as caught:
        written(odd, tmp_path / "out", "torch_export")
    assert str(caught.value).endswith("Export it as safetensors alone, or change that block.")
    assert list(tmp_path.iterdir()) == []


def test_a_block_with_randomness_of_its_own_is_refused(trained: Trained, tmp_path: Path) -> None:
    odd = with_block(trained, lambda h: h + torch.rand_like(h))
    with pytest.raises(
        ExportError, match=r"torch\.export computes other images than the network: a pixel in \[-1, 1\]"
    ):
        written(odd, tmp_path / "out", "torch_export")
    assert list(tmp_path.iterdir()) == []


@needs_onnx
def test_a_block_that_onnx_does_not_know_is_named(trained: Trained, tmp_path: Path) -> None:
    odd = with_block(trained, torch.special.bessel_j0)
    with pytest.raises(ExportError, match=r"ONNX has nothing for what 'up_0' computes \(prims\.bessel_j0\)"):
        written(odd, tmp_path / "out", "onnx")
    assert list(tmp_path.iterdir()) == []


def test_rounding_is_the_distance_from_float64() -> None:
    generator = tiny("transfer")
    graph = Graph(generator, 2).eval()
    assert 0 < rounding(generator, graph, graph.inputs(3)) < 1e-5
    assert next(generator.parameters()).dtype == graph.means.dtype == torch.float32  # type: ignore[union-attr]


def test_a_network_that_amplifies_rounding_is_given_more_up_to_half_a_grey_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = tiny("gp_gan")
    graph = Graph(generator, 2).eval()

    def off(difference: float) -> Callable[[Any], Tensor]:
        return lambda inputs: expected(generator, graph, inputs) + difference

    monkeypatch.setattr("ganforge.exports.graph.rounding", lambda *_: 1e-4)
    difference, allowed = compare("it", generator, graph, off(2e-4))
    assert (difference, allowed) == (pytest.approx(2e-4, rel=0.01), 4e-4)
    monkeypatch.setattr("ganforge.exports.graph.rounding", lambda *_: 1.0)
    assert compare("it", generator, graph, off(3e-3)).allowed == MOST
    with pytest.raises(ExportError, match=r"differs by 0\.005"):
        compare("it", generator, graph, off(0.005))


@pytest.mark.parametrize("off", [2e-4, float("nan")])
def test_a_difference_is_found_at_any_pixel(off: float) -> None:
    generator = tiny("gp_gan")
    graph = Graph(generator, 2).eval()

    def wrong(inputs: Any) -> Tensor:
        with torch.no_grad():
            images: Tensor = graph(**inputs)
        images[-1, 2, 7, 7] += off
        return images

    with pytest.raises(ExportError, match=r"at most 0\.0001 is allowed"):
        compare("it", generator, graph, wrong)


def test_onnx_is_not_written_without_what_runs_it(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganforge.errors.find_spec", lambda name: None if name == "onnxruntime" else object())
    with pytest.raises(UsageError, match=r"--format onnx needs onnxruntime: pip install 'ganforge\[onnx\]'\."):
        written(trained, tmp_path / "out", "onnx")
