import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { Closers } from "../../src/closers.ts";
import type { Secret } from "../../src/secret.ts";

/** Makes one call and returns its message. */
export type CallUnary = (path: string, body: Buffer, authorization?: Secret) => Promise<Buffer>;

/** A client in this process, for calls whose answers matter and not their time. */
export function createUnaryClient(address: string, closers: Closers): CallUnary {
  const client = new Client(address, credentials.createInsecure());
  closers.add("client", () => client.close());
  return (path, body, authorization) =>
    new Promise((resolve, reject) => {
      const metadata = new Metadata();
      if (authorization !== undefined) metadata.set("authorization", authorization.reveal());
      client.makeUnaryRequest(path, asIs, asIs, body, metadata, { deadline: Date.now() + 10_000 }, (error, answer) => {
        if (error === null && answer !== undefined) resolve(answer);
        else reject(error ?? new Error("no message"));
      });
    });
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
