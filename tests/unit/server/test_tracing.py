"""Spans for grants and calls to STS, with codes but without error messages."""

from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ossferry.errors import StsRefusedError
from ossferry.observability.tracing import spans_of
from support.server_fakes import FakeSts, MakeClient, UnexpectedError


@pytest.fixture
def ask(make_client: MakeClient) -> Callable[[int], list[ReadableSpan]]:
    """Return a function that requests grants, and returns the spans in the order of their ends."""

    def call(times: int) -> list[ReadableSpan]:
        exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        with make_client(span=spans_of(provider)) as client:
            for _ in range(times):
                client.post("/api/grant")
        return list(exporter.get_finished_spans())

    return call


def test_a_grant_is_a_span_around_the_call_to_sts(ask: Callable[[int], list[ReadableSpan]]) -> None:
    call, first, second = ask(2)

    assert [span.name for span in (call, first, second)] == [
        "ossferry.sts.assume_role",
        "ossferry.grant",
        "ossferry.grant",
    ]
    assert call.parent is not None
    assert call.parent.span_id == first.context.span_id
    attributes = [span.attributes or {} for span in (first, second)]
    assert [each["ossferry.outcome"] for each in attributes] == ["issued", "reused"]
    assert len({each["ossferry.request_id"] for each in attributes}) == 2


@pytest.mark.parametrize(
    ("error", "type_"),
    [
        (StsRefusedError("NoPermission", "canary"), "sts-refused"),
        (UnexpectedError("canary"), "UnexpectedError"),
    ],
)
def test_t25_an_error_is_a_code_in_its_span(
    ask: Callable[[int], list[ReadableSpan]], sts: FakeSts, error: Exception, type_: str
) -> None:
    sts.error = error

    spans = ask(1)

    assert [(span.attributes or {})["error.type"] for span in spans] == [type_, type_]
    assert not any(span.status.is_ok for span in spans)
    assert "canary" not in "".join(span.to_json() for span in spans)
