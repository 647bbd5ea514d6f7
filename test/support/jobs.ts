import { every, type Schedule } from "../../src/work/every.ts";

/** The jobs of one replica: the quick ones run as they do in production, the others when a test says so. */
export interface Jobs {
  readonly schedule: Schedule;
  /** Every job's interval in seconds, by name. */
  readonly intervals: ReadonlyMap<string, number>;
  /** One round of a job. @throws Error if there is no such job. */
  run(name: string): Promise<void>;
}

const quickMs = 1_000;

export function createJobs(): Jobs {
  const jobs = new Map<string, () => Promise<void>>();
  const intervals = new Map<string, number>();
  return {
    intervals,
    schedule(intervalMs, name, alone, log) {
      // As in production it never runs twice at once, also when a test asks for a round beside those by the clock.
      let last: Promise<void> = Promise.resolve();
      const job = () => {
        last = last.catch(() => undefined).then(alone);
        return last;
      };
      jobs.set(name, job);
      intervals.set(name, intervalMs / 1_000);
      return intervalMs <= quickMs ? every(intervalMs, name, job, log) : { close: async () => undefined };
    },
    async run(name) {
      const job = jobs.get(name);
      if (job === undefined) throw new Error(`no job is called ${name}`);
      await job();
    },
  };
}
