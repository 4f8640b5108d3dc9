"""CatBoost as a model family of automl, found by its entry point."""

from automl_catboost._family import CatBoost

__all__ = ["CatBoost"]
