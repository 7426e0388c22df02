import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      "vitest.config.js",
      "eslint.config.js",
      "dist",
      ".build",
      "conformance/build",
      "examples/dist",
      "bench/dist",
      "conformance/driver_pb.ts",
      "src/gen",
    ],
  },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: [
          "./tsconfig.json",
          "./tsconfig.test.json",
          "./tsconfig.conformance.json",
          "./tsconfig.examples.json",
          "./tsconfig.bench.json",
        ],
      },
    },
    rules: {
      // What comes of a failed wait is the caller's: the reason of a signal, or the error of a library.
      "@typescript-eslint/prefer-promise-reject-errors": "off",
      // Arguments come from JavaScript too.
      "@typescript-eslint/no-unnecessary-condition": "off",
    },
  },
);
