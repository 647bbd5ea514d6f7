import { fileURLToPath } from "node:url";

/**
 * Arguments of Node for a process that lives for seconds: modules are found with less work, and the embedded database
 * is compiled once, not a second time for speed that comes too late here. What the process does is the same.
 */
export const quickly: readonly string[] = [
  "--liftoff-only",
  "--import",
  fileURLToPath(new URL("quick-modules.ts", import.meta.url)),
];

/** Environment with which processes leave compiled modules to each other; one that is killed leaves nothing. */
export const compileCache = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../node_modules/.cache/oauth-token-service/compiled", import.meta.url)),
};
