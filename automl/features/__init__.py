"""From typed columns to matrices: one encoding for trees, three for everything else.

None of them looks at the target, so each is fitted once on all training rows and shared by
every fold. An encoder is a frozen dataclass of plain values: it is written into the saved model
as JSON and read back without running code. Texts are the exception on both counts: what they tell
of the target is learned inside each fold (``TextEncoder.tell``), and they are saved as arrays.
"""

from automl.features._dense import DenseEncoder, level_out
from automl.features._encoders import (
    ENCODINGS,
    encoder_from_dict,
    expected_width,
    fit_encoder,
    write_matrix,
)
from automl.features._matrix import Encoder, Matrix
from automl.features._sentence_model import check_text_encoder
from automl.features._text_encoder import TextEncoder
from automl.features._told import Outcome
from automl.features._tree import TreeEncoder

__all__ = [
    "ENCODINGS",
    "DenseEncoder",
    "Encoder",
    "Matrix",
    "Outcome",
    "TextEncoder",
    "TreeEncoder",
    "check_text_encoder",
    "encoder_from_dict",
    "expected_width",
    "fit_encoder",
    "level_out",
    "write_matrix",
]
