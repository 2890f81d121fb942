"""Chain: the ordered, sealed record of the members' signed transactions.

Importing this package is cheap; `local`, `rpc`, `genesis` and `export` bring py-evm along.
"""

import os

# web3 installs a hash backend of 30 us a hash; eth_hash reads this once, at its first import.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
