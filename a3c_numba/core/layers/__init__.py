"""Layers: ``base.py`` says what a layer is; one file for each, with its forward and its backward."""
