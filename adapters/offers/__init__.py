"""Back-tests of what members are about to need, on plain files and on the log."""
