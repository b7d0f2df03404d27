"""The parts of tools/sandbox and tools/demo: a complete Penstock site on the loopback interface."""
