"""From typed columns to matrices: one encoding for trees, two for everything else.

None of them looks at the target, so each is fitted once on all training rows and shared by
every fold. An encoder is a frozen dataclass of plain values: it is written into the saved model
as JSON and read back without running code.
"""

from automl.features._dense import DenseEncoder
from automl.features._encoders import (
    ENCODINGS,
    encoder_from_dict,
    expected_width,
    fit_encoder,
    write_matrix,
)
from automl.features._matrix import Encoder, Matrix
from automl.features._tree import TreeEncoder

__all__ = [
    "ENCODINGS",
    "DenseEncoder",
    "Encoder",
    "Matrix",
    "TreeEncoder",
    "encoder_from_dict",
    "expected_width",
    "fit_encoder",
    "write_matrix",
]
