"""What knows nothing of sensors or models: errors, figures, files, locks, the workspace."""
