"""Node: a ledger's chain served to other members' tools by JSON-RPC over HTTP."""
