"""Portfolio: what the loans of a deal came to, each from its entries: their age, roll and cost."""
