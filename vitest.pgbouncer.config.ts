import { mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

/** The end-to-end tests once more, with PgBouncer between the service and its database. */
const { include: _, ...rest } = base.test ?? {};
export default mergeConfig(
  { test: rest },
  {
    test: {
      include: ["test/pgbouncer/**/*.test.ts", "test/end-to-end/**/*.test.ts"],
      // They follow each other.
      globalSetup: ["test/pgbouncer/global-setup.ts"],
    },
  },
);
