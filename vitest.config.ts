import { defineConfig } from "vitest/config";
import { quickly } from "./rig/quick-node.ts";
import { LongestFirst } from "./test/support/longest-first.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    setupFiles: ["test/support/loopback-only.ts", "test/support/property-seed.ts"],
    testTimeout: 90_000,
    hookTimeout: 120_000,
    // Two cores are what a small machine has; each file brings servers and a database of its own.
    maxWorkers: 2,
    // Files share nothing but what is loaded: src has no state of its own outside of what a test builds.
    isolate: false,
    execArgv: [...quickly],
    sequence: { sequencer: LongestFirst },
  },
});
