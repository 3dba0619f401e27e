"""What proves a bundle: golden data and the tolerances measured with it."""
