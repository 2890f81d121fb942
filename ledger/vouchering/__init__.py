"""Vouchering: vouchers as people and their programs read them; all of it is read from the book."""
