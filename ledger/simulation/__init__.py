"""Simulation: invented portfolios with the volume, sizes, terms and overdue of real platforms.

Everything follows from the plan and its seed: the same plan gives the same files, byte for byte.
"""
