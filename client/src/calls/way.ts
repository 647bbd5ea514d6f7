import type { Transport } from "@connectrpc/connect";

/** A way to the service. Fails with what `toRefusal` reads. */
export interface Way extends Transport {
  /** Lets go of connections; what is under way has been aborted. */
  close(): void;
}
