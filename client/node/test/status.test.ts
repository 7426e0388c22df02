import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { failureOf } from "../src/engine/status.js";

test("a connection that was reset is no refusal of the server", () => {
  const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  expect(failureOf(new ConnectError(reset.message, Code.Aborted, undefined, undefined, reset)).isUnavailable).toBe(true);
  expect(failureOf(new ConnectError("no", Code.Aborted)).isUnavailable).toBe(false);
});
