"""The part of pytest that the page's unit tests use, for interpreters without pytest.

Only `mark.parametrize` and `raises`. The runner calls every `test_*` function of a module.
"""


class _Mark:
    def parametrize(self, names, values, ids=None):
        """Return a decorator that stores the cases, as lists of names and values."""
        if isinstance(names, str):
            names = [name.strip() for name in names.split(",")]
        many = len(names) > 1

        def decorate(function):
            cases = [list(value) if many else [value] for value in values]
            if isinstance(function, Cases):  # parametrized twice: combine all pairs of cases
                inner = function
                both = [case + other for case in cases for other in inner.cases]
                return Cases(inner.function, list(names) + inner.names, both)
            return Cases(function, list(names), cases)

        return decorate


class Cases:
    """A test with parameters; a class, because functions in MicroPython have no attributes."""

    def __init__(self, function, names, cases):
        self.function = function
        self.names = names
        self.cases = cases


mark = _Mark()


class raises:  # noqa: N801 - pytest's name
    """Check that the block raises `kind`, and that the exception's text matches `match`."""

    def __init__(self, kind, match=""):
        self.kind = kind
        self.match = match
        self.value = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _trace):
        if kind is None:
            raise AssertionError(f"{self.kind.__name__} was not raised")
        if not isinstance(error, self.kind):
            return False
        assert self.match in str(error), f"{self.match} is not in {error}"
        self.value = error
        return True
