import { readFile } from "node:fs/promises";

/** Ticks per second in which Linux counts the time of processes. */
const ticksPerSecond = 100;

/** Seconds of processor time a process has used so far, kernel included; undefined where there is no /proc. */
export async function processorSeconds(pid: number): Promise<number | undefined> {
  const stat = await read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // Counted from behind the name, which may hold blanks: user time and system time are the 12th and 13th from there.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** The same report, and the microseconds of processor time that a process used for each of its calls. */
export async function withUsage<Report extends { readonly latenciesMs: Float64Array }>(
  pid: number,
  work: () => Promise<Report>,
): Promise<Report & { readonly processorMicros: number }> {
  const before = (await processorSeconds(pid)) ?? Number.NaN;
  const report = await work();
  const used = ((await processorSeconds(pid)) ?? Number.NaN) - before;
  return { ...report, processorMicros: (used * 1_000_000) / report.latenciesMs.length };
}

/** Memory of a process that is in RAM, in bytes; undefined where there is no /proc. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await read(`/proc/${pid}/status`);
  return status === undefined ? undefined : Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) * 1024;
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
