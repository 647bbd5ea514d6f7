/** Why we do not talk to what answers. Each begins as the driver's own codes of connections do. */
export type RefusalCode =
  | "CONNECTION_WITHOUT_TLS"
  | "CONNECTION_READ_ONLY"
  | "CONNECTION_STATE_UNKNOWN"
  | "CONNECTION_NOT_POSTGRES"
  | "CONNECTION_PASSWORD_SHOWN"
  | "CONNECTION_LOGIN_UNKNOWN";

/** A connection that we ended, because of what the server said. */
export class ConnectionRefused extends Error {
  override readonly name = "ConnectionRefused";
  readonly code: RefusalCode;

  constructor(code: RefusalCode) {
    super("the connection to the database was given up");
    this.code = code;
  }
}
