"""What makes classes, or new data, of what a circuit measures: heads and their trainers.

All of it is ideal linear algebra in NumPy, but for `QuantumMaps`, which runs a compiled layer; what
else is measured on a device, with shots or noise, comes in as a function that takes the place of
the ideal one. Learners follow the conventions of scikit-learn, which need not be installed.
"""

from noise_models.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "qucnn_cirq.heads.adversarial": ["AdversarialPair", "hellinger_distance"],
        "qucnn_cirq.heads.binary": ["BinaryClassifier"],
        "qucnn_cirq.heads.body": ["BodyClassifier", "outcome_indicators"],
        "qucnn_cirq.heads.class_states": ["QuClassiClassifier"],
        "qucnn_cirq.heads.controls": ["NearestCentroid", "RandomCosines"],
        "qucnn_cirq.heads.features": ["PrincipalComponents", "resized", "unit_rows"],
        "qucnn_cirq.heads.linear": ["LinearClassifier", "SoftmaxClassifier"],
        "qucnn_cirq.heads.maps": ["QuantumMaps"],
        "qucnn_cirq.heads.overlaps": ["IdealOverlaps", "LayerOverlaps", "SampledOverlaps"],
    },
)
