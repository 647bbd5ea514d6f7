import { Agent, request } from "node:http";
import { connect } from "node:net";

/** A request as it is sent, without anything being made right on the way. */
export interface HttpRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer;
}

export interface HttpReply {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Every header as a line. */
  readonly head: string;
  readonly text: string;
  readonly bytes: Buffer;
}

const agent = new Agent({ keepAlive: true, maxSockets: 4 });
const unanswered: HttpReply = { status: 0, headers: {}, head: "", text: "", bytes: Buffer.alloc(0) };

/** One request and its answer. Never rejects because of what the other side does. */
export function sendHttp(port: number, { method = "GET", path, headers = {}, body }: HttpRequest): Promise<HttpReply> {
  return new Promise((resolve) => {
    const length = body === undefined ? {} : { "content-length": String(body.length) };
    const all = { ...length, ...headers } as Record<string, string | string[]>;
    const outgoing = request({ host: "127.0.0.1", port, path, method, headers: all, agent }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on("data", (part: Buffer) => parts.push(part));
      incoming.on("error", () => resolve(unanswered));
      incoming.on("end", () => {
        const bytes = Buffer.concat(parts);
        const head = incoming.rawHeaders.join("\n");
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, head, text: bytes.toString(), bytes });
      });
    });
    outgoing.on("error", () => resolve(unanswered));
    outgoing.end(body);
  });
}

/** Sends bytes and ends; gives back everything that comes until the server closes, as latin1. */
export function sendBytes(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(bytes));
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => {
      text += part;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
  });
}
