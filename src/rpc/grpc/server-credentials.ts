import { ServerCredentials } from "@grpc/grpc-js";
import type { CertificateStore } from "../../tls/certificate-store.ts";
import { fixedServerOptions } from "../../tls/server-options.ts";

/** Without `certificates` there is no TLS. Later certificates are for new connections; open ones go on. */
export function createServerCredentials(certificates: CertificateStore | undefined): ServerCredentials {
  return certificates === undefined ? ServerCredentials.createInsecure() : new StoredCredentials(certificates);
}

/** What `createSsl` cannot: ask for a certificate without requiring one, and take new ones while it listens. */
class StoredCredentials extends ServerCredentials {
  constructor(certificates: CertificateStore) {
    super({ ...fixedServerOptions(certificates.current) }, certificates.current);
    certificates.subscribe((context) => this.updateSecureContextOptions(context));
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
