"""Published checkpoints: where their weights are, and their names in ganforge's."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from ganforge.errors import CheckpointError
from ganforge.weights.folder import NETWORKS
from ganforge.weights.foreign import read_torch_file, state_dict
from ganforge.weights.keymap import KeyMap


def read_gp_gan(path: Path) -> dict[str, dict[str, Tensor]]:
    """Generator and discriminator, or one of them, under their published names.

    The moving average (`generator_test`) is preferred to the generator. A bare state dict is the network after which
    the file is named. Raises CheckpointError.
    """
    content = read_torch_file(path)
    networks = {"generator": content.get("generator_test", content.get("generator"))}
    networks["discriminator"] = content.get("discriminator")
    found = {
        network: state_dict(weights, path, network) for network, weights in networks.items() if weights is not None
    }
    if found:
        return found
    if network := _named_after(path):
        return {network: state_dict(content, path, network)}
    keys = ", ".join(str(key) for key in list(content)[:5])
    is_bare = all(isinstance(value, Tensor) for value in content.values())
    hint = " Let the name of a file with a bare state dict end in _generator or _discriminator." if is_bare else ""
    raise CheckpointError(f"{path} has neither 'generator' nor 'discriminator'; it has: {keys}.{hint}")


def _named_after(path: Path) -> str | None:
    """`generator` for `ImageNetPre_generator`, with or without an ending."""
    return next((network for network in NETWORKS if path.stem.endswith(f"_{network}")), None)


def _parameters(theirs: str, ours: str, names: tuple[str, ...] = ("weight", "bias")) -> dict[str, str]:
    return {f"{theirs}.{name}": f"{ours}.{name}" for name in names}


def _style_head(theirs: str, ours: str) -> dict[str, str]:
    pairs = _parameters(f"{theirs}.conv_0", f"{ours}.conv_0")
    pairs |= _parameters(f"{theirs}.conv_1.conv", f"{ours}.conv_1")
    pairs |= _parameters(f"{theirs}.conv_s", f"{ours}.conv_s", ("weight",))
    for index in (0, 1):
        pairs |= _parameters(f"{theirs}.noise_{index}", f"{ours}.noise_{index}", ("weight",))
        pairs |= _parameters(f"{theirs}.adain_{index}.style.linear", f"{ours}.adain_{index}.style")
    return pairs


def _adafm_block(key: str, has_shortcut: bool) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for index in (0, 1):
        pairs |= _parameters(f"{key}.conv_{index}", f"{key}.conv_{index}")
        # 'gama' is the published spelling
        pairs[f"{key}.small_adafm_{index}.style_gama"] = f"{key}.adafm_{index}.gamma"
        pairs[f"{key}.small_adafm_{index}.style_beta"] = f"{key}.adafm_{index}.beta"
    return pairs | (_parameters(f"{key}.conv_s", f"{key}.conv_s", ("weight",)) if has_shortcut else {})


def _zhao_generator() -> KeyMap:
    pairs = _parameters("small_embedding", "embedding", ("weight",)) | _parameters("small_fc", "fc")
    pairs |= _style_head("small_net_2", "head_0") | _style_head("small_net_3", "head_1")
    pairs |= _parameters("small_H", "match", ("weight", "beta")) | _parameters("small_H.norm", "match.norm")
    for level in (3, 4, 5):
        pairs |= _adafm_block(f"resnet_{level}_0", has_shortcut=True)
        pairs |= _adafm_block(f"resnet_{level}_1", has_shortcut=False)
    pairs |= _parameters("conv_img", "conv_img")
    for layer in range(8):  # pixel norm is layer 0, and a leaky ReLU follows each fully connected layer
        pairs |= _parameters(f"small_style.{2 * layer + 1}.linear", f"mapping.fc_{layer}")
    return KeyMap("zhao_generator", pairs)


#: Names of the 128 px generator of Zhao, Cong & Carin 2020.
ZHAO_GENERATOR = _zhao_generator()
