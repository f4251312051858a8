"""Papers that parts of the core come from, as reports cite them: `Component.papers`."""

from __future__ import annotations

ADAM = "Kingma & Ba 2015 (Adam)"
ADA = 'Karras, Aittala, Hellsten, Laine, Lehtinen & Aila 2020, "Training GANs with limited data"'
ADAIN = "Huang & Belongie 2017 (AdaIN)"
COSINE = "Loshchilov & Hutter 2017"
DIFF_AUGMENT = 'Zhao, Liu, Lin, Zhu & Han 2020, "Differentiable augmentation for data-efficient GAN training"'
FILM = "Perez et al. 2018 (FiLM)"
FREEZE_D = "Mo et al. 2020 (FreezeD)"
GAN = "Goodfellow et al. 2014"
GAN_CLS = "Reed et al. 2016 (GAN-CLS)"
HINGE = "Lim & Ye 2017"
INITIALISATION = "He et al. 2015"
LECAM = 'Tseng, Jiang, Liu, Yang & Yang 2021, "Regularizing generative adversarial networks under limited data"'
LIMITED_DATA = 'Zhao, Cong & Carin 2020, "On leveraging pretrained GANs for generation with limited data" (ICML)'
PIXEL_NORM = "Karras et al. 2018"
PROJECTED = 'Sauer, Chitta, Mueller & Geiger 2021, "Projected GANs converge faster"'
PROJECTION = "Miyato & Koyama 2018"
RETINAS = "Nian & Jin 2024"
SPECTRAL = 'Miyato et al. 2018, "Spectral normalization for generative adversarial networks"'
STABILITY = 'Mescheder, Geiger & Nowozin 2018, "Which training methods for GANs do actually converge?" (ICML)'
STYLE = "Karras, Laine & Aila 2019"
VISION_AIDED = 'Kumari, Zhang, Shechtman & Zhu 2022, "Ensembling off-the-shelf models for GAN training"'
WASSERSTEIN = "Arjovsky et al. 2017"
