import { once } from "node:events";
import { isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type TLSSocket } from "node:tls";
import { isSocket, type PostgresTarget, type PostgresTls } from "../../postgres-target.ts";
import { ConnectionRefused } from "./connection-refused.ts";
import { guardLogin, type LoginTerms } from "./login-guard.ts";

/**
 * Connects a fresh socket to the server, and speaks TLS on it where the target says so: the certificate has to be one
 * for the very name or address in the setting. What is resolved with is ready for the first message; `told` hears how the
 * login ends.
 * @throws Error of Node, or ConnectionRefused.
 */
export async function connectSocket(
  socket: Socket,
  target: PostgresTarget,
  timeoutMs: number,
  told: LoginTerms["told"] = () => undefined,
): Promise<Socket> {
  const { host, port, tls } = target;
  const late = setTimeout(() => socket.destroy(timeout()), timeoutMs);
  try {
    socket.connect(isSocket(host) ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
    await happened(socket, "connect");
    const ready = tls === undefined || isSocket(host) ? socket : await secured(socket, host, tls);
    guardLogin(ready, { methods: target.authMethods, mustWrite: target.mustWrite, told });
    return ready;
  } finally {
    clearTimeout(late);
  }
}

/** PostgreSQL documentation, "SSL Session Encryption". */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

async function secured(socket: Socket, host: string, { ca }: PostgresTls): Promise<TLSSocket> {
  socket.write(sslRequest);
  const answer = String(await happened(socket, "data"));
  if (answer === "N") throw new ConnectionRefused("CONNECTION_WITHOUT_TLS");
  // More than the one letter would be words that anybody may have put before the encrypted ones.
  if (answer !== "S") throw new ConnectionRefused("CONNECTION_NOT_POSTGRES");
  const secure = connectTls({
    socket,
    ...(ca === undefined ? {} : { ca }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    // Node itself would take the certificate of `localhost` for a server that is named by its address.
    checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
  });
  await happened(secure, "secureConnect");
  return secure;
}

/** The first argument of the event. @throws the socket's error; one that says so if the server hangs up instead. */
async function happened(socket: Socket, event: string): Promise<unknown> {
  const ended = new AbortController();
  const hangUp = () => ended.abort();
  socket.once("close", hangUp);
  try {
    const [value] = await once(socket, event, { signal: ended.signal });
    return value;
  } catch (error) {
    throw ended.signal.aborted ? Object.assign(new Error("the server hung up"), { code: "CONNECTION_CLOSED" }) : error;
  } finally {
    socket.off("close", hangUp);
  }
}

function timeout(): Error {
  return Object.assign(new Error("the server did not answer in time"), { code: "CONNECT_TIMEOUT" });
}
