"""Proofs: what shows one entry, one sealed day or one state of the chain to somebody without it."""
