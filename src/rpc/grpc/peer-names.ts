import { createCertificateNames } from "../../tls/certificate-names.ts";
import { connectionOf } from "./transport-of.ts";

/** The verified names in the client certificate of a call's connection. */
export type PeerNamesOf = (call: object) => readonly string[];

/** Read once for each connection: `getAuthContext` takes the whole certificate apart at every call. */
export function createPeerNames(): PeerNamesOf {
  const namesOf = createCertificateNames();
  return (call) => namesOf(connectionOf(call));
}
