"""How fastnet compiles: flags, C functions by address, and their cache on disk."""
