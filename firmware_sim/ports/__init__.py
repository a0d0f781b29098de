"""Where the simulated lock can be plugged in: each port moves bytes between the outside and the simulator."""
