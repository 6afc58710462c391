"""What can be asked of the ledger: one file a matter; each command decides across streams."""
