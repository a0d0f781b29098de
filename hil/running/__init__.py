"""What a run does around its tests: markers, guards, further tries, measurements."""
