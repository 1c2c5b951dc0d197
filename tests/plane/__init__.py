"""The engine, driven through `VirtualPlane` by simulated clients."""
