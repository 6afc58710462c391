"""The paths of the API: one file a matter, registered in `adapters.http.app`."""
