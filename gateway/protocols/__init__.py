"""One file per wire protocol. They know the canonical values and never each other."""
