"""The built-in checks of files. The fields of `options.BuiltInOptions` switch them on."""
