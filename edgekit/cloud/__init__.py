"""A small cloud service: events in, each once; devices, samples, labels, releases, rollouts; a dashboard."""
