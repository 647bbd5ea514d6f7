import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapping } from "node:module";
import { fileURLToPath } from "node:url";

/** `file:///app/dist/main.js:10:20`, as in a line of a stack trace. */
const positions = /(file:\/\/[^\s()"]+\.js):(\d+):(\d+)/g;

/**
 * Names the lines of the sources where a text names those of the bundle. Its maps are read when they are first needed,
 * which holds up all else for half a second: only for what is printed, and not by `Error.prepareStackTrace`, since Node
 * looks at the trace of every error that a stream ends with.
 */
export function sourceNames(bundle: string): (text: string) => string {
  if (!bundle.endsWith(".js")) return (text) => text;
  const maps = new Map<string, SourceMap | undefined>();
  const folder = bundle.slice(0, bundle.lastIndexOf("/") + 1);
  const mapOf = (file: string) => {
    if (!maps.has(file)) maps.set(file, readMap(file));
    return maps.get(file);
  };
  const nameOf = (here: string, file: string, line: string, column: string) => {
    const map = file.startsWith(folder) ? mapOf(file) : undefined;
    // Empty where the map has nothing.
    const found: Partial<SourceMapping> = map?.findEntry(Number(line) - 1, Number(column) - 1) ?? {};
    const { originalSource, originalLine = 0, originalColumn = 0 } = found;
    return originalSource === undefined
      ? here
      : `${new URL(originalSource, file)}:${originalLine + 1}:${originalColumn + 1}`;
  };
  return (text) => text.replaceAll(positions, nameOf);
}

/** Undefined if there is none: a trace is never the reason for another error. */
function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(fileURLToPath(`${file}.map`), "utf8")));
  } catch {
    return undefined;
  }
}
