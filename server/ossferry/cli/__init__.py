"""The command line: `ossferry`, its subcommands, and the server processes that it starts."""
