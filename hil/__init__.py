"""Where bridge and simulated lock meet: the demonstration and the hardware-in-the-loop tools."""
