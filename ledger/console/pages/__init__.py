"""Pages: what each address of the console shows, read from the ledger by the SDK's own reads."""
