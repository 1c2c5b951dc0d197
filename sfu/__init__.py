"""The selective forwarding unit: decides who sees what; the packets move in `sfu._wire`."""
