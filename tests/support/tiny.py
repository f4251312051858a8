"""A conditional recipe that trains in a second."""

#: To be formatted with `root`, the folder of pictures, and `runs`.
TINY_RECIPE = """\
name: tiny
description: Discs of three sizes.
seed: 1
resolution: 16
data:
  kind: image_folder
  root: {root}
generator:
  latent_dim: 8
  mapping: {{kind: mapping_mlp, depth: 2, width: 8}}
  initialisation: {{kind: variance_preserving}}
  label:
    - where: {{kind: latent}}
      how: {{kind: concatenate, dim: 4}}
  blocks:
    fc: {{kind: latent_to_grid, channels: 8}}
    head_0: {{kind: style, channels: 8, upsampling: bilinear}}
    up_0: {{kind: upsample}}
    resnet_0_0: {{kind: residual, channels: 8}}
    conv_img: {{kind: image_head}}
discriminator:
  initialisation: {{kind: variance_preserving}}
  label:
    - where: {{kind: after_frozen}}
      how: {{kind: concatenate_map}}
  blocks:
    conv_img: {{kind: image_stem, channels: 4}}
    pool_0: {{kind: average_pool}}
    resnet_0_0: {{kind: residual, channels: 8}}
    pool_1: {{kind: average_pool}}
    fc: {{kind: logit_head}}
training:
  batch: 4
  loss: {{kind: bce}}
  regularisers:
    - {{kind: r1, gamma: 1.0, every: 2}}
  sampler: {{kind: balanced}}
  optimizer: {{kind: adam}}
  ema: 0.9
stages:
  - name: head
    steps: 2
    generator:
      - freeze: resnet_*
    discriminator:
      - freeze: conv_img.*
    generator_rate: {{kind: constant, rate: 1.0e-3}}
    discriminator_rate: {{kind: constant, rate: 1.0e-3}}
  - name: all
    steps: 2
    discriminator:
      - freeze: conv_img.*
    generator_rate: {{kind: constant, rate: 1.0e-3}}
    discriminator_rate: {{kind: constant, rate: 1.0e-3}}
output:
  folder: {runs}
  samples_every: 2
  checkpoints_every: 2
  metrics_every: 1
  columns: 2
"""
