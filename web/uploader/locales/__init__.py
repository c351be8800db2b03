"""The page's sentences, one module a language, the same keys in each."""
