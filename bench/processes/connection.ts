/** Calls of one order over one connection. */
export interface Connection {
  /** Rejects if the call is refused or fails. */
  call(body: Buffer): Promise<void>;
  close(): void;
}
