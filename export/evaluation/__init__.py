"""Quality of a bundle as numbers: retrieval, similarity, clusters, typing errors, bias."""
