"""The bridge: sends the protocol to locks and offers it as an HTTP API and a command line."""
