"""Small students of a large text model: recipes, training and sealing."""
