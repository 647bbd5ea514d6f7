import type { ServerUnaryCall } from "@grpc/grpc-js";
import { createCertificateNames } from "../../tls/certificate-names.ts";

/** The verified names in the client certificate of a call's connection. */
export type PeerNamesOf = (call: ServerUnaryCall<unknown, unknown>) => readonly string[];

/** Read once for each connection. */
export function createPeerNames(): PeerNamesOf {
  const namesOf = createCertificateNames();
  return (call) => namesOf(socketOf(call));
}

/** grpc-js shows no more than `getAuthContext`, which takes the whole certificate apart at every call. */
function socketOf(call: object): object | undefined {
  const path = ["call", "stream", "session", "socket"];
  return path.reduce<object | undefined>((place, name) => {
    const next: unknown = place === undefined ? undefined : Reflect.get(place, name);
    return typeof next === "object" && next !== null ? next : undefined;
  }, call);
}
