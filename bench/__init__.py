"""Benchmarks: rosenblatt against its alternatives, kernels against the peak, and how time grows.

``python -m bench`` in the root of a checkout; README.md beside this file says how and what.
"""
