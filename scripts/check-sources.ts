import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./run-tool.ts";

/** What the linter cannot forbid by itself. */
interface Ban {
  readonly pattern: RegExp;
  readonly message: string;
  /** The files that hand it to everybody else, or where nothing else would be right. */
  readonly allowed: readonly string[];
}

const processes = ["src/main.ts", "src/cli/oauth-token-service.ts"];

const bans: readonly Ban[] = [
  {
    pattern: /\bDate\.now\b|\bnew Date\(\)/,
    message: "the time comes from the World",
    // gRPC gives deadlines on the machine's clock.
    allowed: ["src/world/clock.ts", "src/rpc/grpc/token-service.ts"],
  },
  { pattern: /\bMath\.random\(/, message: "randomness comes from the World", allowed: [] },
  {
    pattern: /import \{[^}]*\b(random\w+|getRandomValues|webcrypto)\b[^}]*\} from "node:crypto"/s,
    message: "randomness comes from the World",
    allowed: processes,
  },
  {
    pattern: /from "node:(process|console)"/,
    message: "the process belongs to main.ts and the command line",
    // A lock names the process that holds it.
    allowed: [
      ...processes,
      "src/storage/embedded/directory-lock.ts",
      // And loads a module of Node's without its warning.
      "src/storage/embedded/sqlite.ts",
      // Metrics tell what this process uses.
      "src/telemetry/process-metrics.ts",
    ],
  },
];

/** Whether src takes time, randomness and the process only from where they are handed in. */
export async function checkSources(): Promise<boolean> {
  let clean = true;
  for (const entry of await readdir(join(root, "src"), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const path = join(entry.parentPath, entry.name);
    for (const line of violationsIn(path.slice(root.length), await readFile(path, "utf8"))) {
      console.log(line);
      clean = false;
    }
  }
  return clean;
}

/** The bans that a file breaks, as `path:line: message`. `path` begins with `src/`. */
export function violationsIn(path: string, text: string): readonly string[] {
  return bans.flatMap(({ pattern, message, allowed }) => {
    const found = pattern.exec(text);
    if (found === null || allowed.includes(path)) return [];
    return [`${path}:${text.slice(0, found.index).split("\n").length}: ${message}`];
  });
}
