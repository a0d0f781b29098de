"""The HTTP API over the service: it speaks JSON and statuses, and knows nothing of frames or links."""
