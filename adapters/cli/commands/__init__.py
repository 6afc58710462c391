"""One command a file: `arguments` declares, `run` parses, calls the door and renders."""
