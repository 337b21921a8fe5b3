"""Floor 2: layers: architecture, the flat parameter vector and its layout, initialisers."""
