import { isSocket, type PostgresServer, type PostgresTarget, serversOf } from "../../postgres-target.ts";
import { driverError, errorCode } from "../database-failure.ts";

/** Why a database cannot be used at start: where it was looked for, the code, and what an operator can do. */
export function startFailure(target: PostgresTarget, failure: unknown): Error {
  const cause = driverError(failure);
  const code = errorCode(cause) ?? "no answer";
  const { database } = target;
  const placeOf = ({ host, port }: PostgresServer) =>
    isSocket(host) ? `socket ${host}/.s.PGSQL.${port}` : `host ${host}, port ${port}`;
  const place = serversOf(target).map(placeOf).join(" or ");
  const advice = `${adviceOn(ofServer(target, cause), code)}${wordsOf(cause, code)}`;
  return new Error(`cannot use the database (${place}, database ${database}): ${code}: ${advice}`, { cause });
}

/** Of several servers the one whose certificate names another. */
function ofServer(target: PostgresTarget, cause: unknown): PostgresTarget {
  const named = cause instanceof Error && "host" in cause ? cause.host : undefined;
  return typeof named === "string" ? { ...target, host: named } : target;
}

/** Which right, which rule, or what is behind a pooler, only the server can say. */
function wordsOf(cause: unknown, code: string): string {
  if (!/^(08...|28000|42501)$/.test(code) || !(cause instanceof Error)) return "";
  return ` (the server says: ${cause.message.replace(/\p{Cc}/gu, " ").slice(0, 300)})`;
}

/** Wrong password or user, missing database or right, untrusted certificate: waiting does not help. */
export function isLasting(failure: unknown): boolean {
  const cause = driverError(failure);
  const code = errorCode(cause) ?? "";
  if (code === "08P01") return cause instanceof Error && cause.message.includes("startup parameter");
  return lasting.test(code) || certificateCodes.test(code);
}

const lasting =
  /^(28...|3D000|42501|3F000|CONNECTION_(WITHOUT_TLS|STATE_UNKNOWN|NOT_POSTGRES|PASSWORD_SHOWN|LOGIN_UNKNOWN)|ERR_TLS|ERR_SSL|SASL_)/;
/** What OpenSSL says of a chain that ends nowhere, in Node's spelling. */
const certificateCodes = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|INVALID_CA|PATH_LENGTH|HOSTNAME_MISMATCH)/;

function adviceOn(target: PostgresTarget, code: string): string {
  const found = advice.find(([codes]) => codes.test(code));
  return (found?.[1] ?? nothingAnswers)(target);
}

const accountOf = ({ user }: PostgresTarget) => (user === undefined ? "the user" : `user ${user}`);
const nothingAnswers = ({ settings }: PostgresTarget) =>
  `check that Postgres runs there and accepts connections from here, and ${settings.host}`;

/** The first that fits is said. */
const advice: readonly (readonly [codes: RegExp, say: (target: PostgresTarget) => string])[] = [
  [/^28P01$/, (to) => `the server does not accept ${accountOf(to)}; check user and password in ${to.settings.account}`],
  [
    /^28/,
    (to) =>
      `the server does not let ${accountOf(to)} in from here${to.tls === undefined ? " without TLS" : ""}; ` +
      `check pg_hba.conf there, ${to.settings.account}${to.tls === undefined ? ` and ${to.settings.sslmode} (sslmode)` : ""}`,
  ],
  [/^3D000$/, ({ settings }) => `there is no such database; create it, or correct ${settings.database}`],
  [
    /^3F000$/,
    (to) =>
      `the search path of ${accountOf(to)} names no schema that there is; create the schema, ` +
      "or set the path (ALTER ROLE … SET search_path)",
  ],
  [
    /^42501$/,
    (to) => `${accountOf(to)} lacks a right; let it create schemas and tables, or migrate as the owner of the database`,
  ],
  [/^57P0[123]$/, () => "the server starts up, recovers or shuts down, and was not ready in time; see its log"],
  [/^53300$/, () => "the server has no connection left; raise max_connections there, or end what holds them"],
  [/^53100$/, () => "the server's disk is full; make room there"],
  [
    /^CONNECTION_READ_ONLY$/,
    ({ others, settings }) =>
      others.length === 0
        ? `the server only reads, as a standby does; name the primary in ${settings.host}`
        : "none of the servers takes writes (the one that was asked last only reads, as a standby does); promote one, or " +
          `name the primary in ${settings.host}, too`,
  ],
  [
    /^CONNECTION_STATE_UNKNOWN$/,
    ({ settings }) =>
      "the server does not say whether it takes writes, as Postgres does since version 14; if a pooler answers, name that " +
      `alone in ${settings.host}, without target_session_attrs, and the servers in DATABASE_DIRECT_URL`,
  ],
  [
    /^25006$/,
    (to) =>
      `the server only reads, as a standby does; name the primary in ${to.settings.host}, or take back ` +
      `default_transaction_read_only from the server, the database or ${accountOf(to)}`,
  ],
  [
    /^08P01$/,
    ({ settings }) =>
      "a pooler or proxy answers, not the database; let it reach the database, and where it pools transactions, name " +
      `a direct connection in DATABASE_DIRECT_URL beside it in ${settings.host}`,
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    ({ host, settings }) =>
      `the server's certificate is not one for ${host}; name the server in ${settings.host} as its certificate does`,
  ],
  [/^CERT_HAS_EXPIRED$/, () => "the server's certificate has expired; renew it there"],
  [/^CERT_NOT_YET_VALID$/, () => "the server's certificate is not valid yet; check the clocks"],
  [
    certificateCodes,
    ({ settings }) =>
      "the server's certificate is not signed by anybody trusted here; name the file of who signed it by sslrootcert " +
      `in ${settings.sslrootcert} (unlike with libpq, sslmode=require verifies as well)`,
  ],
  [
    /^CONNECTION_WITHOUT_TLS$/,
    ({ settings }) =>
      "the server does not speak TLS; switch it on there (ssl = on), or write sslmode=disable " +
      `in ${settings.sslmode} if nobody can listen on the way`,
  ],
  [
    /^(CONNECTION_NOT_POSTGRES|ERR_SSL|ERR_TLS|EPROTO)/,
    ({ settings }) => `what answers there does not speak as Postgres does; check host and port in ${settings.host}`,
  ],
  [
    /^CONNECTION_PASSWORD_SHOWN$/,
    ({ settings }) =>
      "the server wants the password in a way that shows it to who listens or answers; speak TLS, or have the " +
      "password stored for scram-sha-256, or name the way the server asks for, such as require_auth=md5, " +
      `in ${settings.require_auth} if nobody can listen on the way`,
  ],
  [
    /^CONNECTION_LOGIN_UNKNOWN$/,
    (to) => `the server wants ${accountOf(to)} to log in by another way than a password, such as Kerberos`,
  ],
  [/^SASL_/, () => "the server does not know the password itself, and may be somebody else's"],
  [
    /^CONNECTION_CLOSED$/,
    ({ settings }) =>
      `something there takes connections and ends them at once; check ${settings.host}, and the server's log`,
  ],
  [/^(ENOTFOUND|EAI_)/, ({ settings }) => `the host name does not resolve; check ${settings.host}`],
  [
    /^EACCES$/,
    ({ settings }) => `this process may not use that socket; check its folder's rights, or ${settings.host}`,
  ],
];
