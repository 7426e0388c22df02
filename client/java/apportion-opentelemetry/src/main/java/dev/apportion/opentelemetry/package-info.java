/** Spans of waits, and metrics of permits and calls, for OpenTelemetry. */
package dev.apportion.opentelemetry;
