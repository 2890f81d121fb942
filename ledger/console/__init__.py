"""Console: pages that show a member its ledger and let it act, served by this machine alone."""
