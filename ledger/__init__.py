"""An event-sourced loyalty ledger; `ledger.application` is the only door."""
