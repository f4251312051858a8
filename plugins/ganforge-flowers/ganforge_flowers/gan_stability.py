"""The files that GAN_stability publishes, as recipes name them."""

from __future__ import annotations

from typing import ClassVar, Literal

from ganforge.interfaces import SourceSpec
from ganforge.weights.address import Sha256, Url
from ganforge.weights.pretrained import PublishedFile
from ganforge_flowers.gp_gan import GPGANFile

_MODELS = "https://s3.eu-central-1.amazonaws.com/avg-projects/gan_stability/models"
_FACES = "MIT (GAN_stability); trained on faces of celebA, whose terms allow non-commercial research"
_SCENES = "MIT (GAN_stability); the terms of its training pictures, LSUN, apply"


def _published(name: str, digits: str) -> PublishedFile:
    """The digits in its name are all that is published of a file's sha256."""
    return PublishedFile(f"{_MODELS}/{name}-{digits}.pt", digits)


IMAGENET = _published("imagenet", "8c505f47")
CELEBA = _published("celeba", "ab478c9d")
CELEBA_HQ = _published("celebahq", "baab46b2")
LSUN_BEDROOM = _published("lsun_bedroom", "df4e7dd2")
LSUN_BRIDGE = _published("lsun_bridge", "82887d22")
LSUN_CHURCH = _published("lsun_church", "b6f0191b")
LSUN_TOWER = _published("lsun_tower", "1af5e570")


class GANStabilityFile(GPGANFile):
    """What the sources below have in common: `path` is the published file, downloaded by hand."""

    is_known: ClassVar[bool] = True


class GPGANImageNet(GANStabilityFile):
    """The ImageNet GP-GAN of GAN_stability: 128 px, 1000 classes (Mescheder et al. 2018); downloaded once."""

    kind: Literal["gp_gan_imagenet"] = "gp_gan_imagenet"
    url: Url = IMAGENET.url
    sha256: Sha256 = IMAGENET.sha256
    licence: str = "MIT (GAN_stability); trained on ImageNet, whose terms allow research use"


class GPGANCelebA(GANStabilityFile):
    """The celebA GP-GAN of GAN_stability: faces, 256 px (Mescheder et al. 2018); downloaded once."""

    kind: Literal["gp_gan_celeba"] = "gp_gan_celeba"
    url: Url = CELEBA.url
    sha256: Sha256 = CELEBA.sha256
    licence: str = _FACES


class GPGANCelebAHQ(GANStabilityFile):
    """The celebA-HQ GP-GAN of GAN_stability: faces, 1024 px (Mescheder et al. 2018); downloaded once."""

    kind: Literal["gp_gan_celeba_hq"] = "gp_gan_celeba_hq"
    url: Url = CELEBA_HQ.url
    sha256: Sha256 = CELEBA_HQ.sha256
    licence: str = _FACES


class GPGANBedroom(GANStabilityFile):
    """The LSUN GP-GAN of GAN_stability for bedrooms: 256 px (Mescheder et al. 2018); downloaded once."""

    kind: Literal["gp_gan_lsun_bedroom"] = "gp_gan_lsun_bedroom"
    url: Url = LSUN_BEDROOM.url
    sha256: Sha256 = LSUN_BEDROOM.sha256
    licence: str = _SCENES


class GPGANBridge(GANStabilityFile):
    """The LSUN GP-GAN of GAN_stability for bridges: 256 px (Mescheder et al. 2018); downloaded once."""

    kind: Literal["gp_gan_lsun_bridge"] = "gp_gan_lsun_bridge"
    url: Url = LSUN_BRIDGE.url
    sha256: Sha256 = LSUN_BRIDGE.sha256
    licence: str = _SCENES


class GPGANChurch(GANStabilityFile):
    """The LSUN GP-GAN of GAN_stability for churches: 256 px (Mescheder et al. 2018); downloaded once."""

    kind: Literal["gp_gan_lsun_church"] = "gp_gan_lsun_church"
    url: Url = LSUN_CHURCH.url
    sha256: Sha256 = LSUN_CHURCH.sha256
    licence: str = _SCENES


class GPGANTower(GANStabilityFile):
    """The LSUN GP-GAN of GAN_stability for towers: 256 px (Mescheder et al. 2018); downloaded once."""

    kind: Literal["gp_gan_lsun_tower"] = "gp_gan_lsun_tower"
    url: Url = LSUN_TOWER.url
    sha256: Sha256 = LSUN_TOWER.sha256
    licence: str = _SCENES


GAN_STABILITY: list[type[SourceSpec]] = [
    GPGANImageNet,
    GPGANCelebA,
    GPGANCelebAHQ,
    GPGANBedroom,
    GPGANBridge,
    GPGANChurch,
    GPGANTower,
]
