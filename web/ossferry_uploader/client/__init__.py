"""The interface for programs that use the library: `Uploads`, and the results of uploads."""
