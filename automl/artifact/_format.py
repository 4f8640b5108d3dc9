"""The layout of a saved model, and its one version number.

A saved model is a zip file:

- ``manifest.json``: everything but the models (format number, library versions, schema, target,
  encoders, metric, score, configuration), and for every other file its size and SHA-256;
- ``manifest.sha256``: the digest of ``manifest.json``;
- ``texts/...``: the arrays of columns of texts, where there are some;
- ``members/<i>/<j>/...``: the files of model j of member i, in native formats.

How to change the format: raise ``FORMAT``; keep a reader for the old number in this package; add
a file of the old format to ``tests/artifact/old`` with a test that reads it. A reader refuses a
number above its own.
"""

FORMAT = 2
MANIFEST = "manifest.json"
DIGEST = "manifest.sha256"
