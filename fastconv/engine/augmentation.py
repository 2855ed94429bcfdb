"""What may happen to a training image, drawn anew for each image in each epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

#: A finer elastic distortion would need more points than there are pixels.
LEAST_SIGMA = 0.5


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images, made where a batch is packed: `Trainer.fit(..., augment=Augmentation(...))`.

    What an image becomes depends on nothing but the seed, the epoch and its index in the data set.

    shift: moves it by up to so many pixels, each way and along both axes.
    crop: cuts a window of its size out of the image with so many black pixels around: a shift by whole pixels.
    flip: the probability of left and right being exchanged.
    rotate: turns it about its centre by up to so many degrees, each way.
    scale: (least, most) magnification.
    shear: slants it by up to so many degrees, each way.
    elastic, elastic_sigma: α and σ of an elastic distortion (Simard, Steinkraus & Platt 2003, section 2): each
        pixel is moved along both axes by as much, on average, as by α times noise in [-1, 1] that a Gaussian of σ
        pixels has smoothed: α / (√(12 π) σ) pixels RMS. It is a cubic B-spline (Rueckert et al. 1999) over points √3 σ
        apart, whose coefficients are such noise. In the paper α = 34 and σ = 4 for digits; σ is 0.5 or more.
    cutout: the side of a square around a random pixel that is set to the images' mean (DeVries & Taylor 2017).
    mixup: α of Beta(α, α), above 0 to 1 (Zhang et al. 2018): λ times this image and its target plus 1 - λ times those
        of another one of the data set. The accuracy counts this image's class.

    All but cutout and mixup are one change of coordinates, read by bilinear interpolation; around the image is 0,
    before normalisation. Raises ValueError for numbers that make no sense.
    """

    shift: float = 0.0
    crop: int = 0
    flip: float = 0.0
    rotate: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shear: float = 0.0
    elastic: float = 0.0
    elastic_sigma: float = 4.0
    cutout: int = 0
    mixup: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", tuple(self.scale))
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1] < math.inf:
            raise ValueError(f"Augmentation: expected scale to be (least, most) above 0, got {self.scale}")
        for name, most in (("shift", 1e6), ("crop", 1e6), ("cutout", 1e6), ("flip", 1), ("rotate", 180), ("shear", 89),
                           ("elastic", 1e6), ("elastic_sigma", 100), ("mixup", 1)):
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise ValueError(f"Augmentation: expected {name} from 0 to {most:g}, got {value}")
        for name in ("crop", "cutout"):
            if getattr(self, name) != int(getattr(self, name)):
                raise ValueError(f"Augmentation: expected {name} to be whole pixels, got {getattr(self, name)}")
        if self.elastic and self.elastic_sigma < LEAST_SIGMA:
            raise ValueError(f"Augmentation: expected elastic_sigma from {LEAST_SIGMA}, got {self.elastic_sigma}")

    def __repr__(self) -> str:
        changed = (field for field in fields(self) if getattr(self, field.name) != field.default)
        return f"Augmentation({', '.join(f'{each.name}={getattr(self, each.name)!r}' for each in changed)})"

    @property
    def spline_spacing(self) -> float:
        """Pixels between the points of an elastic distortion: a cubic B-spline over them has the variance σ²."""
        return math.sqrt(3) * self.elastic_sigma

    @property
    def spline_scale(self) -> float:
        """What the coefficients in [-1, 1] of an elastic distortion are multiplied by.

        A Gaussian of σ pixels leaves 1 / (2 √π σ) of the variance of white noise along each axis; cubic B-splines leave
        151 / 315 of that of their coefficients, on average.
        """
        return self.elastic * 315 / 151 / (2 * math.sqrt(math.pi) * self.elastic_sigma)


def epoch_key(seed: int, epoch: int) -> int:
    """What all random numbers of an epoch come from, as an int64."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64).view(np.int64)[0])
