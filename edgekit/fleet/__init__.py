"""Many devices over many weeks: what drifts is noticed, labelled, retrained, rolled out and watched."""
