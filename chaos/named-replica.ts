import { subscribe } from "node:diagnostics_channel";
import process from "node:process";

/**
 * Loaded into a replica before the service (`node --import`): what it asks the platforms carries `REPLICA_NAME`. All
 * replicas reach a platform by one address, since a grant belongs to the address it was given by.
 */
export const replicaHeader = "x-chaos-replica";

/** What undici tells of a request that it is about to send. */
interface Created {
  readonly request: { addHeader(name: string, value: string): void };
}

const name = process.env.REPLICA_NAME;
if (name !== undefined) {
  subscribe("undici:request:create", (message) => (message as Created).request.addHeader(replicaHeader, name));
}
