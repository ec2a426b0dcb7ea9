"""What a release says of itself in the formats that other programs check."""
