"""The command line: verbs that parse, call the library, and render. Nothing is computed here."""
