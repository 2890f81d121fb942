"""Network: a ledger's chain goes on on several validators' own nodes (geth, Clique).

Block 0, and with it every block so far, stays what it is: the nodes import the history and seal on
from its head. Importing this package is cheap.
"""
