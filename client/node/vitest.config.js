import { defineConfig } from "vitest/config";

export default defineConfig({
  // Node.js 20 has no `using`.
  esbuild: { target: "es2022" },
  test: { include: ["test/**/*.test.ts"], maxWorkers: 2, minWorkers: 1, testTimeout: 30_000, hookTimeout: 30_000 },
});
