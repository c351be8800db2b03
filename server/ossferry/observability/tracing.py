"""OpenTelemetry spans around each decision about a grant and each call to STS.

Tracing is off unless `OSSFERRY_TRACING` is on or an application passes a tracer provider. While
tracing is off, a span costs only one function call. Spans contain error codes of this project, but
no principals and no error messages.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeAlias

from ossferry.errors import OssferryError
from ossferry.extras import require_extra

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

Note: TypeAlias = Callable[[str, str], None]
"""Sets one attribute of the current span."""

Span: TypeAlias = Callable[[str], AbstractContextManager[Note]]
"""Opens a span with this name."""


def _note_nothing(_name: str, _value: str) -> None:
    """Ignore an attribute of a span; used while tracing is off."""


NOTHING: AbstractContextManager[Note] = nullcontext(_note_nothing)


def no_span(_name: str) -> AbstractContextManager[Note]:
    """Return a context manager that opens no span; used in place of spans while tracing is off."""
    return NOTHING


def spans_of(provider: "TracerProvider") -> Span:
    """Return a function that opens spans with the given tracer provider."""
    from opentelemetry.trace import StatusCode

    tracer = provider.get_tracer("ossferry")

    @contextmanager
    def span(name: str) -> Iterator[Note]:
        with tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        ) as current:
            try:
                yield current.set_attribute
            except Exception as error:
                code = error.code if isinstance(error, OssferryError) else type(error).__name__
                current.set_attribute("error.type", code)
                current.set_status(StatusCode.ERROR)
                raise

    return span


def exporting_spans() -> Span:
    """Return a function that opens spans, which are exported to an OpenTelemetry collector.

    The `OTEL_*` environment variables set the address of the collector.

    Raises:
        SettingsError: the required packages are not installed.
    """
    exporter = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    require_extra("otel", module=exporter, needed_by="OSSFERRY_TRACING")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return spans_of(provider)
