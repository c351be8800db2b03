"""Runs the page's unit tests inside an interpreter, and reports the results to the page as JSON."""

import gc
import io
import json
import sys

import js
import pytest


async def run(modules):
    """Run all tests of `modules` (dotted names), and report the interpreter and the outcomes.

    The outcomes are [[module, [[test, error or ""], …]], …].
    """
    if sys.implementation.name == "micropython":
        gc.threshold(16 << 20)  # each collection looks at the whole heap
    results = []
    for module in modules:
        results.append([module, await _run_module(module)])
    result = json.dumps([sys.implementation.name, results])
    js.document.body.setAttribute("data-result", result)


async def _run_module(name):
    try:
        module = __import__(name, None, None, ["*"])
    except Exception as error:
        return [["import", _text(error)]]
    outcomes = []
    for test in sorted(dir(module)):
        if not test.startswith("test_"):
            continue
        found = getattr(module, test)
        if not isinstance(found, pytest.Cases):
            outcomes.append([test, await _run_test(found, {})])
            continue
        for index, case in enumerate(found.cases):
            arguments = dict(zip(found.names, case))  # noqa: B905 - MicroPython has no strict
            outcome = await _run_test(found.function, arguments)
            outcomes.append([f"{test}[{index}]", outcome])
    return outcomes


async def _run_test(function, arguments):
    try:
        result = function(**arguments)
        if result is not None:
            await result
    except Exception as error:
        return _text(error)
    return ""


def _text(error):
    """Return the traceback of an exception."""
    if sys.implementation.name == "micropython":
        out = io.StringIO()
        sys.print_exception(error, out)
        return out.getvalue()
    import traceback

    return "".join(traceback.format_exception(error))
