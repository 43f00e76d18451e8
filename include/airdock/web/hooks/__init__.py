"""Where providers tell of pushes: believed only when signed, answered only when safe."""
