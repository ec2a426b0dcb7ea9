"""The audit: numbered checks, pure, that anyone can run. ``run.run_checks`` runs them in their order."""
