"""The audit: numbered checks, pure, that anyone can run. ``run_levels.run_checks`` runs them in order."""
