"""What the engine reads and writes: records, their plan, the samples and the workspace."""
