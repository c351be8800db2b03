"""The command line: `ossferry`, its subcommands, and the processes that they start."""
