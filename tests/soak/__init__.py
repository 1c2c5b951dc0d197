"""People in random order for as long as one likes, over real sockets at a real server: `make soak SECONDS=1800`."""
