"""The load generator: simulated participants in a process of their own, over real sockets."""
