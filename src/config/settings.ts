import type { Setting } from "../settings/setting.ts";
import type { SettingReader } from "../settings/setting-reader.ts";

/** What is set before any platform is, in the order people meet them. */
const firstSettings = [
  {
    name: "BASE_URL",
    aliases: ["OAUTH_CALLBACK_BASE", "PUBLIC_URL"],
    unset: "http://localhost:$PORT",
    meaning:
      "Where browsers and platforms reach the public listener; may have a path. https unless the host is loopback.",
  },
  { name: "PORT", default: "8010", meaning: "Public listener: browsers, callbacks. 0: any free port." },
  {
    name: "HOST",
    unset: "127.0.0.1 if BASE_URL is loopback, else 0.0.0.0",
    meaning: "Address of the public listener.",
  },
  { name: "GRPC_PORT", default: "50051", meaning: "gRPC listener: internal services, health, reflection." },
  { name: "INTERNAL_PORT", default: "8011", meaning: "Internal HTTP listener: Connect, gRPC-Web, JSON, REST." },
  {
    name: "INTERNAL_HOST",
    default: "127.0.0.1",
    meaning: "Address of the gRPC and internal listeners. Beyond loopback it needs AUTH_CONFIG and TLS.",
  },
  {
    name: "INSTALL_MODE",
    unset: "open if BASE_URL is loopback, else link",
    meaning: "Who may start an install: `open`, anyone; `link`, only who has a link made for it.",
  },
  {
    name: "ALLOWED_RETURN_ORIGINS",
    unset: "origin of BASE_URL",
    meaning: "Origins, comma separated, that `return_to` may lead to.",
  },
  {
    name: "INSTALL_PAGE_URL",
    meaning: "The product's own page for connecting; `install_url` in errors in `link` mode.",
  },
  { name: "TRUSTED_PROXIES", unset: "none", meaning: "CIDRs, comma separated, whose `X-Forwarded-For` is believed." },
  {
    name: "DATABASE_URL",
    secret: true,
    unset: "embedded database in DATA_DIR",
    meaning:
      "Postgres, as `postgresql://user:password@host:5432/database`, with libpq's `sslmode`, `sslrootcert`, `require_auth` and `host=/socket/folder`; of several hosts (`a:5432,b:5432`, with `target_session_attrs=read-write`) the one that takes writes. Beyond this machine TLS is spoken and the certificate verified unless it says `sslmode=disable`.",
  },
  {
    name: "DATABASE_DIRECT_URL",
    secret: true,
    unset: "DATABASE_URL",
    meaning: "A direct connection for LISTEN and migrations where DATABASE_URL is a transaction pooler.",
  },
  {
    name: "DATABASE_MAY_LOSE_COMMITS",
    default: "0",
    meaning: "`1`: start on a Postgres with fsync=off or unlogged tables, where nothing is worth keeping.",
  },
  {
    name: "POSTGRES_HOST",
    meaning:
      "Postgres in parts, instead of DATABASE_URL: host name, address, or the folder of a Unix socket; of several, comma separated, the one that takes writes.",
  },
  {
    name: "POSTGRES_PORT",
    default: "5432",
    meaning: "Port of POSTGRES_HOST; one for all of several, or one for each.",
  },
  { name: "POSTGRES_USER", meaning: "Database user at POSTGRES_HOST." },
  { name: "POSTGRES_PASSWORD", secret: true, meaning: "Password of POSTGRES_USER." },
  { name: "POSTGRES_DB", unset: "POSTGRES_USER", meaning: "Database at POSTGRES_HOST." },
  {
    name: "POSTGRES_SSLMODE",
    unset: "verify-full; disable on loopback and sockets",
    meaning:
      "As `sslmode` in DATABASE_URL: `verify-full`, also spelled `verify-ca` or `require`, or `disable`, which goes without TLS.",
  },
  {
    name: "POSTGRES_SSLROOTCERT",
    unset: "system",
    meaning: "As `sslrootcert` in DATABASE_URL: PEM file of who signed the server's certificate, or `system`.",
  },
  {
    name: "DATA_DIR",
    default: "./data",
    meaning: "Embedded database and its generated key; for one process at a time.",
  },
  { name: "CENTRAL_OAUTH_DB_PATH", meaning: "From an earlier service: a file whose folder is taken for DATA_DIR." },
  {
    name: "TOKEN_ENCRYPTION_KEY",
    secret: true,
    unset: "generated in DATA_DIR; required with Postgres",
    meaning:
      "Fernet keys, comma separated: the first encrypts, all decrypt. `npm run -s ots -- keys generate` makes one.",
  },
  {
    name: "TOKEN_CIPHER",
    default: "fernet",
    meaning: "What new rows are sealed with: `fernet` or `aes-256-gcm`. Both are always readable.",
  },
] as const satisfies readonly Setting[];

/** What is set after them. */
const furtherSettings = [
  {
    name: "LOG_LEVEL",
    aliases: ["CENTRAL_OAUTH_LOG_LEVEL"],
    default: "info",
    meaning: "Least level logged, as one JSON line per event on stdout.",
  },
  {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    meaning: "Collector that gets spans as OTLP over HTTP, such as `http://localhost:4318`. Unset: none are recorded.",
  },
  { name: "DRAIN_SECONDS", default: "20", meaning: "How long running calls may take to finish at shutdown." },
  { name: "CACHE_MAX_ENTRIES", default: "50000", meaning: "Most tokens kept in memory." },
  { name: "HTTPS_PROXY", secret: true, aliases: ["https_proxy"], meaning: "Proxy for calls to platforms." },
  {
    name: "NO_PROXY",
    aliases: ["no_proxy"],
    meaning: "Hosts and networks (CIDRs), comma separated, that are called without the proxy.",
  },
  { name: "DEMO_PORT_BASE", meaning: "Moves the demo's sandbox and listeners to this port and the following ones." },
  { name: "AUTH_CONFIG", meaning: "Path of the caller file: who may call, and what they may do." },
  {
    name: "TLS_CERT_FILE",
    meaning: "TLS on the gRPC and internal listeners: PEM file of the certificate and its chain. Read again on change.",
  },
  { name: "TLS_KEY_FILE", meaning: "TLS: PEM file of the private key." },
  {
    name: "TLS_CLIENT_CA_FILE",
    meaning: "TLS: PEM file of who signs the callers' certificates. Callers may then prove who they are with one.",
  },
  {
    name: "TLS_TERMINATED_BY_PROXY",
    default: "0",
    meaning: "`1`: a mesh or proxy encrypts what reaches the internal listeners.",
  },
  {
    name: "WEBHOOK_FORWARD_URL",
    meaning: "Where verified events of platforms go, and changes of installations. https unless the host is loopback.",
  },
  {
    name: "WEBHOOK_FORWARD_SECRET",
    secret: true,
    meaning:
      "What they are signed with, as Standard Webhooks: `whsec_` and base64, or any text; two, comma separated, while rotating.",
  },
  {
    name: "ALERT_WEBHOOK_URL",
    meaning:
      "Where it is told, once each time, that a connection needs a person or no longer does. https unless the host is loopback.",
  },
  {
    name: "ALERT_WEBHOOK_SECRET",
    secret: true,
    meaning: "What that is signed with, as WEBHOOK_FORWARD_SECRET: two, comma separated, while rotating.",
  },
  {
    name: "AUDIT_RETENTION_DAYS",
    default: "400",
    meaning: "Older audit rows are pruned; revoked installations go from the table as long after their end.",
  },
] as const satisfies readonly Setting[];

/** The settings of the service itself. */
export const serviceSettings = [...firstSettings, ...furtherSettings] as const;

export type ServiceSetting = (typeof serviceSettings)[number];
export type SettingName = ServiceSetting["name"];
/** Reads these settings. */
export type Reader = SettingReader<ServiceSetting>;

/** The settings of the service with those of its platforms, in the order people meet them. */
export function withPlatforms(platformSettings: readonly Setting[]): readonly Setting[] {
  return [...firstSettings, ...platformSettings, ...furtherSettings];
}
