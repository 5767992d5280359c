"""Each model beside its own library, in its own environment, on random weights."""
