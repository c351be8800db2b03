"""The built-in checks of files. The fields of `check_options.BuiltInOptions` switch them on."""
