"""Files with prices, read into the rows that our own list has: one file here for each kind there is."""
