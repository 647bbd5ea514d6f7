import type { ServerUnaryCall } from "@grpc/grpc-js";
import { createCertificateNames } from "../../tls/certificate-names.ts";
import { connectionOf } from "./connection-of.ts";

/** The verified names in the client certificate of a call's connection. */
export type PeerNamesOf = (call: ServerUnaryCall<unknown, unknown>) => readonly string[];

/** Read once for each connection: `getAuthContext` takes the whole certificate apart at every call. */
export function createPeerNames(): PeerNamesOf {
  const namesOf = createCertificateNames();
  return (call) => namesOf(connectionOf(call));
}
