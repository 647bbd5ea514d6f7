import type { Closers } from "../../src/closers.ts";
import { versionOf } from "../machine.ts";
import type { Bench } from "../measurement.ts";
import { runH2load } from "./h2load.ts";
import { type LoadClient, startLoadClient } from "./load-client.ts";
import type { SteadyLoad, SteadyReport } from "./steady.ts";

/** What makes steady load here: h2load, or a Node process where that is not installed. */
export interface LoadMaker {
  readonly description: string;
  /** Whether it can hold a rate. */
  readonly holdsRate: boolean;
  run(load: SteadyLoad): Promise<SteadyReport>;
}

export function createLoadMaker({ cores, directory }: Bench, closers: Closers): LoadMaker {
  const version = versionOf("h2load");
  if (version !== undefined) {
    return { description: version, holdsRate: true, run: (load) => runH2load(load, cores.load, directory) };
  }
  const client = startLoadClient(cores.load, closers);
  const description = "a client in Node, which costs more than the server: ratios come out too good";
  return { description, holdsRate: false, run: (load) => runNode(client, load) };
}

async function runNode(client: LoadClient, load: SteadyLoad): Promise<SteadyReport> {
  const { protocol, address, path, body, connections, streams, seconds, authorization } = load;
  const { latenciesMs, seconds: took } = await client.run({
    protocol,
    addresses: [address],
    connections,
    path,
    bodies: body === undefined ? [] : [body],
    authorization: authorization?.reveal(),
    inFlight: connections * streams,
    stop: { kind: "seconds", seconds },
  });
  return { callsPerSecond: latenciesMs.length / took, latenciesMs: latenciesMs.sort(), bytesPerAnswer: undefined };
}
