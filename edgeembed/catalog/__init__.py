"""The SQLite file of an index: schema, snapshots, transactions, full text and filters."""
