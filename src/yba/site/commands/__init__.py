"""One module a word of the command line, each with `arguments(parser)` and `run(given) -> exit code`."""
