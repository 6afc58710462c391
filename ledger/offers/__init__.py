"""Lists of what members are about to need: read from the log as it stood at the end of a day."""
