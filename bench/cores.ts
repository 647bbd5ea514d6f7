import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Which processor core each side runs on; undefined: wherever the system puts it. */
export interface Cores {
  readonly server: number | undefined;
  readonly load: number | undefined;
  readonly database: number | undefined;
  /** For the results page. */
  readonly description: string;
}

/** Gives server and load a core each, and the database a third one if there is one. */
export function findCores(): Cores {
  const allowed = allowedCores();
  const [server, load, database] = allowed;
  if (spawnSync("taskset", ["--version"]).status !== 0) {
    return {
      ...nowhere,
      description: "not pinned: there is no `taskset`, so server and load share cores as they fall",
    };
  }
  if (server === undefined || load === undefined) {
    return { ...nowhere, description: "not pinned: there is one core, which server and load share" };
  }
  const rest = database === undefined ? "on both" : `on core ${database}`;
  return { server, load, database, description: `server on core ${server}, load on core ${load}, Postgres ${rest}` };
}

const nowhere = { server: undefined, load: undefined, database: undefined };

/** A command line that runs on one core only. */
export function pinned(core: number | undefined, command: readonly [string, ...string[]]): [string, ...string[]] {
  return core === undefined ? [...command] : ["taskset", "-c", String(core), ...command];
}

/** Moves a running process, and whatever it starts from now on, to one core. */
export function pinProcess(core: number | undefined, pid: number): void {
  if (core !== undefined) spawnSync("taskset", ["-a", "-c", "-p", String(core), String(pid)]);
}

/** The cores this process may use, from Linux; none elsewhere. */
function allowedCores(): readonly number[] {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
    return list.split(",").flatMap((range) => {
      const [first = Number.NaN, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
  } catch {
    return [];
  }
}
