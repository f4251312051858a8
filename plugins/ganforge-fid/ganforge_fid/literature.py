"""Papers that measures and extractors come from, as reports cite them: `Component.papers`."""

from __future__ import annotations

CLEAN = 'Parmar, Zhang & Zhu 2022, "On aliased resizing and surprising subtleties in GAN evaluation" (clean-fid)'
COPYING = 'Meehan, Chaudhuri & Dasgupta 2020, "A non-parametric test to detect data-copying in generative models"'
DENSITY_COVERAGE = 'Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative models"'
DINO_V2 = 'Oquab et al. 2023, "DINOv2: Learning robust visual features without supervision"'
EFFICIENT_NET = 'Tan & Le 2019, "EfficientNet: Rethinking model scaling for convolutional neural networks"'
FRECHET = (
    'Heusel et al. 2017, "GANs trained by a two time-scale update rule converge to a local Nash equilibrium" (FID)'
)
GAN_TEST = 'Shmelkov, Schmid & Alahari 2018, "How good is my GAN?"'
INCEPTION = 'Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision"'
KERNEL = 'Bińkowski et al. 2018, "Demystifying MMD GANs" (KID)'
PRECISION_RECALL = 'Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models"'
TRAIN_ON_SYNTHETIC = (
    'Esteban, Hyland & Rätsch 2017, "Real-valued (medical) time series generation with recurrent conditional GANs"'
)
