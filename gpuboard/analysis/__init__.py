"""Turn columns into columns: align, smooth, thin, fold, list and export."""
