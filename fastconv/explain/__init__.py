"""What a trained network does: activations inside it, what it depends on, and where it is wrong. No pictures here."""

from fastconv.explain.gradients import guided_backpropagation, saliency
from fastconv.explain.occlusion import occlusion
from fastconv.explain.part import features
from fastconv.explain.patches import Patches, top_patches
from fastconv.explain.predictions import Predictions, predictions
from fastconv.explain.receptive_field import ReceptiveField, receptive_fields
from fastconv.explain.stages import stages

__all__ = [
    "Patches", "Predictions", "ReceptiveField", "features", "guided_backpropagation", "occlusion", "predictions",
    "receptive_fields", "saliency", "stages", "top_patches",
]
