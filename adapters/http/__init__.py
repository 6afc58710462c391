"""The ledger over HTTP: parse, ask the door, render."""
