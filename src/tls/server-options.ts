/** What is fixed for the life of a TLS server, beside its certificates. */
export interface FixedServerOptions {
  /** Whether callers are asked for a certificate. */
  readonly requestCert: boolean;
  /** False: callers without one, or with one of somebody else's, have no names and may have other proof. */
  readonly rejectUnauthorized: false;
  /** Milliseconds from the connection to the end of the TLS handshake. */
  readonly handshakeTimeout: number;
}

/** Asks callers for a certificate where there is somebody who signs them, and requires it of nobody. */
export function fixedServerOptions(context: { readonly ca: string | undefined }): FixedServerOptions {
  return { requestCert: context.ca !== undefined, rejectUnauthorized: false, handshakeTimeout: 5_000 };
}
