"""Vouchers: their entries become the parts that each member signs, in order, and what is posted
already is left out."""
