import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/long/**/*.test.ts", "test/**/*.slow.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // Each of these loads both cores; side by side they would only measure one another.
    fileParallelism: false,
  },
});
