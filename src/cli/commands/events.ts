import { createClosers } from "../../closers.ts";
import { ServiceError } from "../../errors.ts";
import type { Database } from "../../storage/database.ts";
import { type ListedEvent, listEvents, type ReplayedEvents, replayEvents } from "../../storage/deliveries/event-log.ts";
import { type Command, type CommandWorld, type Outcome, UsageError } from "../command.ts";
import { openDatabase, reasonOf } from "./open-database.ts";
import { readTime } from "./read-time.ts";

/** Listed at most. */
const mostListed = 1_000;

/** `events list [--dead]`: what platforms told in the last seven days, the latest first, and what became of it. */
export const listEventsCommand: Command<readonly [], never, "dead"> = async ({ flags }, world) =>
  onDatabase(world, async (database) => {
    const events = await listEvents(database, flags.dead, mostListed);
    for (const event of events) world.print(lineOf(event));
    if (events.length === 0) world.print(flags.dead ? "no event is dead" : "there are no events");
    if (events.length === mostListed) world.complain(`these are the latest ${mostListed}; there may be more`);
    return { code: 0, result: { events: events.map(shown) } };
  });

/** `events replay ID…`, `--dead` or `--since TIME`: sends again what did not arrive. */
export const replayEventsCommand: Command<readonly string[], "since", "dead"> = async (given, world) => {
  const which = readWhich(given.arguments, given.flags.dead, readTime("since", given.values.since));
  return onDatabase(world, async (database) => {
    const replayed = await replayEvents(database, which);
    const missing = which.kind === "ids" ? which.ids.filter((id) => !replayed.includes(id)) : [];
    world.print(`${replayed.length} ${replayed.length === 1 ? "event is" : "events are"} sent again`);
    for (const id of missing) {
      world.complain(`${id} is not known, or nothing is left to send: it arrived, or nobody wanted to hear of it`);
    }
    return { code: missing.length === 0 ? 0 : 1, result: { replayed, not_replayed: missing } };
  });
};

function readWhich(ids: readonly string[], dead: boolean, since: Date | undefined): ReplayedEvents {
  const hint = "give ids, --dead or --since TIME";
  if (Number(ids.length > 0) + Number(dead) + Number(since !== undefined) !== 1) {
    throw new UsageError("exactly one way to say which events is needed", hint);
  }
  if (since !== undefined) return { kind: "since", since };
  return dead ? { kind: "dead" } : { kind: "ids", ids: ids.map((id) => id.toLowerCase()) };
}

async function onDatabase(world: CommandWorld, work: (database: Database) => Promise<Outcome>): Promise<Outcome> {
  const closers = createClosers();
  try {
    return await work((await openDatabase(world, closers)).database);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new Error(`the database gave no answer, run it again: ${reasonOf(error)}`, { cause: error });
  } finally {
    await closers.close();
  }
}

function lineOf(event: ListedEvent): string {
  const { id, received_at, type, status, attempts, last_error } = shown(event);
  return [id, received_at, type, status, ...(attempts > 0 ? [`attempts ${attempts}`] : []), last_error ?? ""]
    .join("  ")
    .trimEnd();
}

function shown({ id, platform, type, status, attempts, receivedAt, dueAt, lastError }: ListedEvent) {
  const isWaiting = status === "apply" || status === "forward" || status === "alert";
  return {
    ...{ id, type, platform, status, attempts, received_at: receivedAt.toISOString() },
    ...(isWaiting && { due_at: dueAt.toISOString() }),
    ...(lastError !== undefined && { last_error: lastError }),
  };
}
