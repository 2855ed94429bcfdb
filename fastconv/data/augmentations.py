"""Augmentations by name, and as text: what the command line and run files take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from fastconv.engine.augmentation import Augmentation

#: What suits which images. Handwriting is never flipped; photographs and clothes show the same thing both ways round.
#: elastic: Simard, Steinkraus & Platt 2003.  photos: He et al. 2016, section 4.2.
AUGMENTATIONS: Mapping[str, Augmentation] = {
    "digits": Augmentation(shift=1, rotate=10, scale=(0.9, 1.1), shear=5),
    "elastic": Augmentation(shift=1, rotate=10, scale=(0.9, 1.1), elastic=34, elastic_sigma=4),
    "clothes": Augmentation(crop=2, flip=0.5),
    "photos": Augmentation(crop=4, flip=0.5),
}

_FIELDS = {field.name: field for field in fields(Augmentation)}


def parse_augmentation(text: str) -> Augmentation:
    """The augmentation in a text such as "digits", "photos,cutout=8" or "shift=2,scale=0.9:1.1".

    A name of AUGMENTATIONS stands for all it does; what comes later counts. Raises ValueError that says what there is.
    """
    chosen: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = (each.strip() for each in part.partition("="))
        if equals and name in _FIELDS:
            chosen[name] = _number(name, value)
        elif not equals and name in AUGMENTATIONS:
            chosen |= changes(AUGMENTATIONS[name])
        else:
            raise ValueError(f"expected {', '.join(AUGMENTATIONS)}, or NAME=NUMBER with one of {', '.join(_FIELDS)}; "
                             f"got {part.strip()!r}")
    return replace(Augmentation(), **chosen)


def changes(augmentation: Augmentation) -> dict[str, Any]:
    """What it does, by name: the fields that are not at their defaults."""
    values = {name: getattr(augmentation, name) for name in _FIELDS}
    return {name: value for name, value in values.items() if value != _FIELDS[name].default}


def _number(name: str, text: str) -> Any:
    """The value of a field: a number, for scale two of them."""
    try:
        if name == "scale":
            least, _, most = text.partition(":")
            return float(least), float(most)
        return int(text) if isinstance(_FIELDS[name].default, int) else float(text)
    except ValueError:
        wanted = {"scale": "LEAST:MOST", "crop": "PIXELS", "cutout": "PIXELS"}.get(name, "NUMBER")
        raise ValueError(f"expected {name}={wanted}, got {name}={text}") from None
