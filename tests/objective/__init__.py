"""Tests of automl.objective."""
