"""Reference data that ships with Gatehouse: provider presets, prices, tokenizer ranks."""
