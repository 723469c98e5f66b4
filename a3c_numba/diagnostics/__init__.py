"""Diagnostics of a network: gradient check, trace of one update, saliency, portrait."""
