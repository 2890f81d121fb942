"""Posting: acts that put entries on the chain, each with its form, its draft and its posting."""
