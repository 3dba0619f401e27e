"""Tables, records and notebooks."""
