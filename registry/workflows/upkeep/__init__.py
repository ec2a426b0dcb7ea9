"""Care of a home: examined, counted, verified, swept, rebuilt."""
