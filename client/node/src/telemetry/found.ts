/** Finds where spans and metrics go: to OpenTelemetry if its API is installed, and nowhere otherwise. */

import type * as api from "@opentelemetry/api";
import { createRequire } from "node:module";
import { OpenTelemetry } from "./otel.js";
import { SILENT, type Telemetry } from "./telemetry.js";

/** Returns what tells the OpenTelemetry of this process, as it is set up now. */
export function telemetry(): Telemetry {
  const require = createRequire(import.meta.url);
  try {
    const { version } = require("../../package.json") as { version: string };
    return new OpenTelemetry(require("@opentelemetry/api") as typeof api, version);
  } catch {
    // It is not installed, or so old that it has no metrics.
    return SILENT;
  }
}
