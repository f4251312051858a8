"""Conformance of losses, regularisers, penalties on logits and augmentations."""

# N batch, C=3 channels, H W pixels

from __future__ import annotations

from typing import TYPE_CHECKING

from ganforge.interfaces import AugmentationSpec, LogitPenaltySpec, LossSpec, RegulariserSpec
from ganforge.testing.specs import check_spec, expect

if TYPE_CHECKING:
    import torch

    from ganforge.training.logit_penalty import LogitPenalty


def check_loss(spec: LossSpec) -> None:
    """A loss gives a finite number per logit, with gradients that push each player the right way."""
    import torch

    from ganforge.testing.tensors import same

    check_spec(spec)
    logits = torch.tensor([-50.0, -2.0, -0.5, 0.0, 0.5, 2.0, 50.0], dtype=torch.float64)
    # generator and discriminator_real want large logits, discriminator_fake small ones
    for name, sign in (("generator", -1), ("discriminator_real", -1), ("discriminator_fake", 1)):
        term, what = getattr(spec, name), f"{spec.kind}: `{name}`"
        x = logits.clone().requires_grad_()
        values = term(x)
        expect(values.shape == x.shape, f"{what} must give one number per logit, but gives {tuple(values.shape)}.")
        expect(bool(torch.isfinite(values).all()), f"{what} is not finite for logits of -50 to 50.")
        alone = torch.cat([term(logits[i : i + 1]) for i in range(len(logits))])
        expect(same(values.detach(), alone), f"{what} mixes the logits of different samples.")
        (gradient,) = torch.autograd.grad(values.sum(), x)
        expect(
            bool((sign * gradient >= 0).all()) and bool((gradient != 0).any()),
            f"{what} must {'fall' if sign < 0 else 'rise'} as the logit rises.",
        )


def check_regulariser(spec: RegulariserSpec) -> None:
    """A regulariser gives one number of at least 0 per sample, with a gradient of its own."""
    import torch

    from ganforge.testing import tensors

    check_spec(spec)
    kind = spec.kind
    expect(spec.on in ("real", "fake"), f"{kind}: `on` must be real or fake, not {spec.on!r}.")
    is_interval = spec.every is None or (isinstance(spec.every, int) and spec.every > 0)
    expect(is_interval, f"{kind}: `every` must be a positive integer or None.")
    gradient = tensors.normal(tensors.BATCH, 3, 4, 4)
    penalty = spec.penalty(gradient)
    expect(
        tuple(penalty.shape) == (len(gradient),),
        f"{kind}: must give one penalty per sample, but gives {tuple(penalty.shape)} for {len(gradient)} samples.",
    )
    expect(
        bool(torch.isfinite(penalty).all()) and bool((penalty >= 0).all()),
        f"{kind}: a penalty is negative or not finite.",
    )
    # with pretrained features, gradients by image and features come in a row
    expect(
        torch.allclose(spec.penalty(gradient.flatten(1)), penalty),
        f"{kind}: gives something else for the same gradients in rows, (N, D).",
    )
    alone = torch.cat([spec.penalty(gradient[i : i + 1]) for i in range(len(gradient))])
    expect(torch.allclose(penalty, alone), f"{kind}: mixes the gradients of different samples.")
    x = gradient.clone().requires_grad_()
    (second,) = torch.autograd.grad(spec.penalty(x).sum(), x)
    expect(bool((second != 0).any()), f"{kind}: the penalty does not depend on the gradient that it is given.")


def check_logit_penalty(spec: LogitPenaltySpec) -> None:
    """A penalty on logits gives one number of at least 0 for each, and follows them by its own state alone."""
    import torch

    from ganforge.testing import tensors

    check_spec(spec)
    kind = spec.kind
    module = spec.build()
    logits = torch.linspace(-50, 50, 11)

    def terms(of: LogitPenalty) -> torch.Tensor:
        return torch.stack([of.real(logits), of.fake(logits)])

    module.observe(logits + 1, logits - 1)
    depends = False
    for name in ("real", "fake"):
        term, what = getattr(module, name), f"{kind}: `{name}`"
        x = logits.clone().requires_grad_()
        values = term(x)
        expect(values.shape == x.shape, f"{what} must give one number per logit, but gives {tuple(values.shape)}.")
        expect(
            bool(torch.isfinite(values).all()) and bool((values >= 0).all()),
            f"{what} is negative or not finite for logits of -50 to 50.",
        )
        alone = torch.cat([term(logits[i : i + 1]) for i in range(len(logits))])
        expect(torch.allclose(values, alone), f"{what} mixes the logits of different samples.")
        varies = bool((values != values[0]).any())
        expect(not varies or tensors.passes_gradient(values, x), f"{what} passes no gradient to the logits.")
        depends = depends or varies
    expect(depends, f"{kind}: does not depend on the logits.")
    resumed = spec.build()
    resumed.load_state_dict(module.state_dict())
    with tensors.no_global_randomness(kind):
        for _ in range(3):
            expect(
                torch.equal(terms(module), terms(resumed)),
                f"{kind}: follows the logits by something that its state, buffers, lacks.",
            )
            for each in (module, resumed):
                each.observe(logits + 20, logits - 20)


def check_augmentation(spec: AugmentationSpec) -> None:
    """An augmentation keeps shape and dtype, passes gradients, and draws from what it is given alone."""
    import copy

    import torch

    from ganforge.randomness import Draws
    from ganforge.testing import tensors

    check_spec(spec)
    kind = spec.kind
    module = spec.build()
    images = tensors.normal(4, 3, 8, 8).float().clamp(-1, 1)

    def augmented(batch: torch.Tensor, samples: list[int]) -> torch.Tensor:
        out: torch.Tensor = module(batch, Draws(0, kind, samples))
        return out

    samples = [0, 1, 2, 3]
    with tensors.no_global_randomness(kind):
        out = augmented(images, samples)
    expect(
        out.shape == images.shape and out.dtype == images.dtype,
        f"{kind}: turns {images.dtype} {tuple(images.shape)} into {out.dtype} {tuple(out.shape)}.",
    )
    expect(bool(torch.isfinite(out).all()), f"{kind}: gives values that are not finite.")
    expect(torch.equal(out, augmented(images, samples)), f"{kind}: gives something else for the same draws.")
    alone = torch.cat([augmented(images[i : i + 1], [sample]) for i, sample in enumerate(samples)])
    expect(torch.allclose(out, alone, atol=1e-5), f"{kind}: an image's result depends on the rest of its batch.")
    x = images.clone().requires_grad_()
    expect(
        tensors.passes_gradient(augmented(x, samples), x),
        f"{kind}: passes no finite gradient to the images, so the generator could not learn through it.",
    )
    state = copy.deepcopy(module.state_dict())
    module.load_state_dict(state)
    expect(torch.equal(out, augmented(images, samples)), f"{kind}: changes when its own state is loaded back.")
