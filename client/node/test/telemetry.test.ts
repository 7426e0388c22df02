import { context, metrics, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  type DataPoint,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connect } from "../src/index.js";
import { FakeServer } from "../src/testing.js";

let server: FakeServer;
let spans: InMemorySpanExporter;
let measured: InMemoryMetricExporter;
let meters: MeterProvider;

beforeEach(async () => {
  server = await FakeServer.start();
  spans = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: measured })] });
  metrics.setGlobalMeterProvider(meters);
});

afterEach(async () => {
  await meters.shutdown();
  trace.disable();
  metrics.disable();
  context.disable();
  await server.close();
});

/** Returns the sum of a counter, by the named attribute. */
async function counted(name: string, attribute: string): Promise<Record<string, unknown>> {
  await meters.forceFlush();
  const found =
    measured
      .getMetrics()
      .at(-1)
      ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
  const points: DataPoint<unknown>[] = found
    .filter(({ descriptor }) => descriptor.name === name)
    .flatMap((metric): DataPoint<unknown>[] => metric.dataPoints);
  return Object.fromEntries(points.map(({ attributes, value }) => [String(attributes[attribute]), countOf(value)]));
}

function countOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "count" in value ? value.count : value;
}

test("a lease has a span in that of its caller, and its permits and calls are counted", async () => {
  const quota = connect(server.url, { team: "sync" });
  const caller = trace.getTracer("test").startSpan("caller");
  const lease = await context.with(trace.setSpan(context.active(), caller), () => quota.acquire(5, { priority: "CRITICAL" }));
  lease.take();
  lease.done();
  await quota.close();
  const [span] = spans.getFinishedSpans();
  expect(span?.name).toBe("apportion.acquire");
  expect(span?.parentSpanContext?.spanId).toBe(caller.spanContext().spanId);
  expect(span?.attributes).toEqual({
    "apportion.workspace": "default",
    "apportion.team": "sync",
    "apportion.priority": "CRITICAL",
    "apportion.permits": 5,
  });
  expect(await counted("apportion.permits.granted", "apportion.local")).toEqual({ false: 5 });
  expect(await counted("apportion.permits.returned", "apportion.team")).toEqual({ sync: 4 });
  expect(await counted("apportion.calls", "rpc.method")).toMatchObject({ AcquireLease: 1 });
  expect(await counted("apportion.wait.duration", "apportion.team")).toEqual({ sync: 1 });
});

test("a refusal is the error of its span", async () => {
  server.refuse("TEAM_PAUSED");
  const quota = connect(server.url);
  await expect(quota.permit()).rejects.toThrow();
  await quota.close();
  const [span] = spans.getFinishedSpans();
  expect([span?.name, span?.attributes["error.type"]]).toEqual(["apportion.permit", "TEAM_PAUSED"]);
  expect(await counted("apportion.wait.duration", "error.type")).toEqual({ TEAM_PAUSED: 1 });
  expect(await counted("apportion.calls", "error.type")).toMatchObject({ RESOURCE_EXHAUSTED: 1 });
});
