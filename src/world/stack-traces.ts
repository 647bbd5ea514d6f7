import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapping } from "node:module";
import { fileURLToPath } from "node:url";

/** `file:///app/dist/main.js:10:20`, as in a line of a stack trace. */
const position = /(file:\/\/[^\s()]+\.js):(\d+):(\d+)/;

/**
 * Stack traces of a bundle name the lines of the sources from here on. Its maps are read when the first trace is looked
 * at: Node's own `--enable-source-maps` would read all of them at start, which takes as long as the start itself.
 */
export function nameSources(bundle: string): void {
  if (!bundle.endsWith(".js")) return;
  const maps = new Map<string, SourceMap | undefined>();
  const folder = bundle.slice(0, bundle.lastIndexOf("/") + 1);
  const mapOf = (file: string) => {
    if (!maps.has(file)) maps.set(file, readMap(file));
    return maps.get(file);
  };
  Error.prepareStackTrace = (error, sites) => {
    const lines = sites.map((site) =>
      String(site).replace(position, (here, file: string, line: string, column: string) => {
        const map = file.startsWith(folder) ? mapOf(file) : undefined;
        // Empty where the map has nothing.
        const found: Partial<SourceMapping> = map?.findEntry(Number(line) - 1, Number(column) - 1) ?? {};
        const { originalSource, originalLine = 0, originalColumn = 0 } = found;
        return originalSource === undefined
          ? here
          : `${new URL(originalSource, file)}:${originalLine + 1}:${originalColumn + 1}`;
      }),
    );
    return [headOf(error), ...lines.map((line) => `    at ${line}`)].join("\n");
  };
}

/** Undefined if there is none: a trace is never the reason for another error. */
function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(fileURLToPath(`${file}.map`), "utf8")));
  } catch {
    return undefined;
  }
}

function headOf(error: Error): string {
  try {
    return String(error);
  } catch {
    return "Error";
  }
}
