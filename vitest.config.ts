import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Long ones, and those that start dozens of processes or copy stores, are `npm run test:long`.
    exclude: ["test/long/**", "**/*.slow.test.ts"],
    reporters: ["default", "json"],
    outputFile: { json: "dist/test-results.json" },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Modules of the tree keep no state but tables that rows are added to, under names that no other
    // test uses. So files can share a process: twice as fast.
    isolate: false,
    // On two cores the default is one worker; these tests wait for disks and clocks half of the time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
