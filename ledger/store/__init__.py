"""The bridge to `eventsourcing`: recorders, mapper, writer, snapshots, keys."""
