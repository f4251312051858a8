"""A linear classifier on fixed features, for sets of any size."""

# N images, D features, K classes

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

#: Inverse weight of the L2 penalty, where the squares of a row's features sum to 1 on average. Of 0.1, 1, 10, 100 and
#: 1000 it was the best, or within the spread over splits of the best, on each of five sets (README).
STRENGTH = 10.0
#: Iterations of the solver; it stops before.
MAX_ITERATIONS = 2000


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """Called with (N, D) features, gives (N, K) probabilities, as if all classes were equally frequent."""

    mean: Array
    scale: Array
    #: (K, D) and (K,); a class that was not trained on has -inf in `bias`.
    weight: Array
    bias: Array

    def __call__(self, values: NDArray[np.floating]) -> Array:
        logits = (np.asarray(values, dtype=np.float64) - self.mean) * self.scale @ self.weight.T + self.bias
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: Array = raised / raised.sum(axis=1, keepdims=True)
        return probabilities


def linear_probe(values: NDArray[np.floating], labels: Indices, num_classes: int) -> LinearProbe:
    """Multinomial logistic regression on standardised features.

    values: (N, D); labels: (N,) in [0, K), of two classes at least. Each image counts by the inverse of its class's
    frequency, which is what oversampling the rare classes does on average. The optimum is unique: no seed is involved.
    """
    from sklearn.linear_model import LogisticRegression

    x = np.asarray(values, dtype=np.float64)
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    # A feature that is constant in training says nothing, and must not explode where it is not.
    varies = deviation > 1e-6 * deviation.max()
    scale = np.where(varies, 1 / np.where(varies, deviation, 1), 0) / np.sqrt(x.shape[1])
    counts = np.bincount(labels, minlength=num_classes)
    present = np.flatnonzero(counts)
    weights = len(labels) / (len(present) * counts[labels])
    model = LogisticRegression(C=STRENGTH, max_iter=MAX_ITERATIONS)
    model.fit((x - mean) * scale, labels, sample_weight=weights)
    weight, bias = np.zeros((num_classes, x.shape[1])), np.full(num_classes, -np.inf)
    if len(present) == 2:
        # Of two classes scikit-learn fits the logit of the second alone.
        weight[present[1]], bias[present] = model.coef_[0], (0, model.intercept_[0])
    else:
        weight[present], bias[present] = model.coef_, model.intercept_
    return LinearProbe(mean, scale, weight, bias)
