import { Client, credentials } from "@grpc/grpc-js";
import type { Closers } from "../../src/closers.ts";

/** Makes one call and returns its message. */
export type CallUnary = (path: string, body: Buffer) => Promise<Buffer>;

/** A client in this process, for calls whose answers matter and not their time. */
export function createUnaryClient(address: string, closers: Closers): CallUnary {
  const client = new Client(address, credentials.createInsecure());
  closers.add("client", () => client.close());
  return (path, body) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, asIs, asIs, body, { deadline: Date.now() + 10_000 }, (error, answer) => {
        if (error === null && answer !== undefined) resolve(answer);
        else reject(error ?? new Error("no message"));
      });
    });
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
