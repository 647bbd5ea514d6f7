import { fileURLToPath } from "node:url";
import { build } from "./built.js";

try {
  build(fileURLToPath(new URL("..", import.meta.url)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
