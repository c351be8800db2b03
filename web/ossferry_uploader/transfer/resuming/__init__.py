"""Continue uploads of earlier pages, and remove the parts of cancelled uploads from OSS."""
