import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { send } from "../../src/platforms/http.ts";
import type { KeptFields } from "../../src/platforms/kept-json.ts";
import { createOutgoingRule } from "../../src/world/outgoing-rule.ts";
import { createPlatformFetch, type PlatformFetchOptions } from "../../src/world/platform-fetch.ts";
import { type CanaryListener, openCanaryListener } from "./canary-listener.ts";

let canary: CanaryListener;
beforeEach(async () => {
  canary = await openCanaryListener();
});
afterEach(() => canary.close());

function open(options: Partial<PlatformFetchOptions> = {}) {
  const resolve = async (host: string): Promise<never> => {
    throw new Error(`${host} was resolved`);
  };
  const isOwnHost = (host: string) => ["ghe.example", "own.localhost"].includes(host);
  const opened = createPlatformFetch({ httpsProxy: undefined, noProxy: undefined, isOwnHost, resolve, ...options });
  onTestFinished(() => opened.close());
  return opened;
}

async function serve(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** The code of what a call fails with, or of what that was caused by. */
async function codeOf(call: Promise<Response>): Promise<unknown> {
  const error = await call.then(
    ({ status }) => new Error(`it was answered with ${status}`),
    (reason) => reason,
  );
  return error.code ?? error.cause?.code ?? error;
}

// `PORT` stands for the port of the listener.
const spelled = [
  ...["http://127.0.0.1:PORT/", "https://127.0.0.1:PORT/", "http://127.0.0.2:PORT/", "http://127.255.255.254:PORT/"],
  // Decimal, hexadecimal, octal, short, with a dot at the end, in other digits and escaped.
  ...["http://2130706433:PORT/", "http://0x7f000001:PORT/", "http://0x7F.0x0.0x0.0x1:PORT/", "http://0x7f.1:PORT/"],
  ...["http://017700000001:PORT/", "http://0177.0.0.1:PORT/", "http://127.1:PORT/", "http://127.0.1:PORT/"],
  ...[
    "http://127.0.0.1.:PORT/",
    "http://①②⑦.⓪.⓪.①:PORT/",
    "http://１２７。０。０。１:PORT/",
    "http://%31%32%37.0.0.1:PORT/",
  ],
  ...["http://0:PORT/", "http://0.0.0.0:PORT/", "https://0:PORT/", "http://[::]:PORT/", "https://[::]:PORT/"],
  ...["http://[::1]:PORT/", "http://[0:0:0:0:0:0:0:1]:PORT/", "http://[0000::0001]:PORT/", "https://[::1]:PORT/"],
  ...["http://[::ffff:127.0.0.1]:PORT/", "https://[::ffff:7f00:1]:PORT/", "https://[::127.0.0.1]:PORT/"],
  ...["https://[64:ff9b::127.0.0.1]:PORT/", "https://[2002:7f00:1::]:PORT/", "https://[64:ff9b::7f00:1]:PORT/"],
  // This machine by name.
  ...["http://localhost:PORT/", "https://LOCALHOST:PORT/", "http://localhost.:PORT/", "https://a.b.localhost:PORT/"],
  // The host is what follows the user, and a backslash is a slash.
  ...["http://github.com@127.0.0.1:PORT/", "http://user:secret@127.0.0.1:PORT/", "http://a@b@127.0.0.1:PORT/"],
  ...["http:\\\\127.0.0.1:PORT/", "http:127.0.0.1:PORT", "http://127.0.0.1:PORT\\@github.com/"],
  ...["http://127.0.0.1:PORT#@github.com/", "http://127.0.0.1:PORT?@github.com/", "\thttp://127.0.\n0.1:PORT/"],
  // Metadata, link-local, private, multicast, broadcast.
  ...["https://169.254.169.254/", "http://169.254.169.254/", "https://2852039166/", "https://0xa9fea9fe/"],
  ...["https://0251.0376.0251.0376/", "https://[::ffff:169.254.169.254]/", "https://[64:ff9b::a9fe:a9fe]/"],
  ...["https://[fd00:ec2::254]/", "https://100.100.100.200/", "https://168.63.129.16/", "https://[fe80::1]/"],
  ...["https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.0.1/", "https://100.64.0.1/", "https://[fc00::1]/"],
  ...["https://224.0.0.1/", "https://255.255.255.255/", "https://[ff02::1]/"],
  // Not https.
  ...[
    "http://github.com:PORT/",
    "ftp://github.com/",
    "file:///etc/passwd",
    "data:text/plain,x",
    "blob:x",
    "about:blank",
  ],
] as const;

test.each(spelled)("does not call %j", async (url) => {
  const { fetch } = open();
  expect(await codeOf(fetch(url.replace("PORT", String(canary.port))))).toBe("ADDRESS_REFUSED");
  expect(await canary.count()).toBe(0);
});

test("what is no URL is not called, in whatever way it is written", async () => {
  const { fetch } = open();
  for (const url of ["http://[fe80::1%25eth0]/", "http://127.0.0.1:99999/", "//127.0.0.1/", "http://256.1.1.1/", "x"]) {
    expect(await codeOf(fetch(url))).toBe("ERR_INVALID_URL");
  }
  expect(await canary.count()).toBe(0);
});

const loopback = ["127.0.0.1"];
const resolved: readonly (readonly [host: string, addresses: readonly string[]])[] = [
  // A name that leads to loopback, whatever it is called and however it gets there.
  ...[
    ["cname.example", loopback] as const,
    ["127.0.0.1.nip.example", loopback] as const,
    ["github.com", loopback] as const,
  ],
  ...[["v6.example", ["::1"]] as const, ["mapped.example", ["::ffff:127.0.0.1"]] as const],
  ...[["nat64.example", ["64:ff9b::7f00:1"]] as const, ["6to4.example", ["2002:7f00:1::"]] as const],
  ["any.example", ["0.0.0.0"]],
  // One good address does not make up for a bad one.
  ...[["both.example", ["140.82.121.4", "127.0.0.1"]] as const, ["both6.example", ["::1", "2606:50c0::1"]] as const],
  // Public hosts are public.
  ...[["github.com", ["10.0.0.1"]] as const, ["api.github.com.", ["fd12::1"]] as const],
  ...[["slack.com", ["100.64.0.1"]] as const, ["metadata.example", ["169.254.169.254"]] as const],
  // Names that only look like an own one.
  ...[["ghe.example.evil.example", ["10.0.0.1"]] as const, ["evil-ghe.example", ["192.168.0.1"]] as const],
  ["localhost.evil.example", loopback],
  // What an operator named may be private, and nothing worse.
  ...[["ghe.example", loopback] as const, ["GHE.example.", ["::1"]] as const, ["ghe.example", ["::"]] as const],
  ...[["ghe.example", ["169.254.169.254"]] as const, ["ghe.example", ["fd00:ec2::254"]] as const],
  ...[["ghe.example", ["::ffff:a9fe:a9fe"]] as const, ["ghe.example", ["10.0.0.1", "127.0.0.1"]] as const],
  // A loopback name is loopback.
  ...[["own.localhost", ["140.82.121.4"]] as const, ["own.localhost", ["10.0.0.1"]] as const],
];

test.each(resolved)("does not call %s at %j", async (host, addresses) => {
  const asked: string[] = [];
  const resolve = async (name: string) => {
    asked.push(name);
    return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  };
  const { fetch } = open({ resolve });
  expect(await codeOf(fetch(`https://${host}:${canary.port}/`))).toBe("ADDRESS_REFUSED");
  expect(asked).toHaveLength(1);
  expect(await canary.count()).toBe(0);
});

describe("names that change", () => {
  const answers = (...list: readonly string[]) => {
    let next = 0;
    return async () => [{ address: list[next++] ?? "", family: 4 }];
  };
  const look = (rule: ReturnType<typeof createOutgoingRule>, host: string, all: boolean) =>
    new Promise((done) => {
      rule.lookup(host, { all }, (error, address) => done(error === null ? address : error.code));
    });

  test.each([true, false])("the address that was checked is the one handed over (all: %s)", async (all) => {
    const rule = createOutgoingRule(() => false, answers("140.82.121.4", "127.0.0.1", "140.82.121.5"));
    const handed = (address: string) => (all ? [{ address, family: 4 }] : address);
    expect(await look(rule, "rebind.example", all)).toEqual(handed("140.82.121.4"));
    expect(await look(rule, "rebind.example", all)).toBe("ADDRESS_REFUSED");
    expect(await look(rule, "rebind.example", all)).toEqual(handed("140.82.121.5"));
  });

  test("a connection resolves once: the second answer of a name is never connected to", async () => {
    const server = await serve((request, response) => {
      response.setHeader("connection", "close").end(request.socket.localAddress);
    });
    const { fetch } = open({ resolve: answers("127.0.0.1", "169.254.169.254", "10.0.0.1") });
    const url = `http://own.localhost:${portOf(server)}/`;
    expect(await (await fetch(url)).text()).toBe("127.0.0.1");
    expect(await codeOf(fetch(url))).toBe("ADDRESS_REFUSED");
    expect(await codeOf(fetch(url))).toBe("ADDRESS_REFUSED");
  });

  test("an own host may be private, another one may not", async () => {
    const rule = createOutgoingRule((host) => host === "ghe.example", answers("10.0.0.1", "10.0.0.1", "140.82.121.4"));
    expect(await look(rule, "ghe.example", false)).toBe("10.0.0.1");
    expect(await look(rule, "github.com", false)).toBe("ADDRESS_REFUSED");
    expect(await look(rule, "ghe.example", false)).toBe("140.82.121.4");
  });

  test("a name without an address is refused", async () => {
    const rule = createOutgoingRule(
      () => true,
      async () => [],
    );
    expect(await look(rule, "ghe.example", false)).toBe("ADDRESS_REFUSED");
  });
});

describe("redirects", () => {
  const targets = ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:PORT/", "//127.0.0.1:PORT/", "/"];
  test.each(targets)("to %s are not followed", async (target) => {
    let calls = 0;
    const server = await serve((_request, response) => {
      calls++;
      response.writeHead(302, { location: target.replace("PORT", String(canary.port)) }).end();
    });
    const { fetch } = open({ isOwnHost: () => true });
    const url = `http://127.0.0.1:${portOf(server)}/`;
    await expect(fetch(url)).rejects.toThrow("fetch failed");
    await expect(fetch(url, { redirect: "follow" })).rejects.toThrow("fetch failed");
    expect((await fetch(url, { redirect: "manual" })).status).toBe(302);
    const reply = await send({ method: "GET", url, headers: {} }, { fetch, now: () => new Date() });
    expect(reply).toMatchObject({ kind: "unavailable", cause: "http_302" });
    expect(calls).toBe(4);
    expect(await canary.count()).toBe(0);
  });
});

describe("a proxy", () => {
  async function openProxy(): Promise<{ readonly url: string; readonly asked: readonly (string | undefined)[] }> {
    const asked: (string | undefined)[] = [];
    const server = await serve((_request, response) => void response.writeHead(403).end());
    server.on("connect", (request, socket) => {
      asked.push(request.url);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    return { url: `http://127.0.0.1:${portOf(server)}`, asked };
  }

  test("gets names as they are, and never an address that may not be called", async () => {
    const { url, asked } = await openProxy();
    const { fetch } = open({ httpsProxy: url });
    await expect(fetch("https://github.com/")).rejects.toThrow("fetch failed");
    expect(asked).toEqual(["github.com:443"]);
    for (const host of ["169.254.169.254", "[::1]", "10.0.0.1", "localhost"]) {
      expect(await codeOf(fetch(`https://${host}/`))).toBe("ADDRESS_REFUSED");
    }
    expect(asked).toEqual(["github.com:443"]);
  });

  test("is left out for a host in NO_PROXY, whose addresses are checked", async () => {
    const { url, asked } = await openProxy();
    const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
    const { fetch } = open({ httpsProxy: url, noProxy: "direct.example", resolve });
    expect(await codeOf(fetch(`https://direct.example:${canary.port}/`))).toBe("ADDRESS_REFUSED");
    expect(asked).toEqual([]);
    expect(await canary.count()).toBe(0);
  });
});

test("a proxy is left out for an address in a network of NO_PROXY", async () => {
  const server = await serve((_request, response) => void response.end("direct"));
  const { fetchNamed } = open({ httpsProxy: "http://127.0.0.1:1", noProxy: "10.0.0.0/8,127.0.0.0/8" });
  // Over TLS, which is what goes through the proxy; the server speaks none, so that its answer cannot be read.
  const code = await codeOf(fetchNamed(`https://127.0.0.1:${portOf(server)}/`));
  expect(code).toMatch(/SSL|EPROTO/);
});

describe("addresses that a file names while the service runs", () => {
  test("may be loopback if they say so", async () => {
    const server = await serve((_request, response) => void response.end("keys"));
    const { fetch, fetchNamed } = open();
    const url = `http://127.0.0.1:${portOf(server)}/keys`;
    expect(await (await fetchNamed(url)).text()).toBe("keys");
    // Not even over the connection that was kept.
    expect(await codeOf(fetch(url))).toBe("ADDRESS_REFUSED");
  });

  test.each(["https://169.254.169.254/", "https://[fe80::1]/", "http://issuer.example/", "https://0.0.0.0/"])(
    "are not %s",
    async (url) => {
      expect(await codeOf(open().fetchNamed(url))).toBe("ADDRESS_REFUSED");
    },
  );

  test.each(["127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"])("do not lead to %s by name", async (address) => {
    const resolve = async () => [{ address, family: address.includes(":") ? 6 : 4 }];
    const { fetchNamed } = open({ resolve });
    expect(await codeOf(fetchNamed(`https://issuer.example:${canary.port}/`))).toBe("ADDRESS_REFUSED");
    expect(await canary.count()).toBe(0);
  });
});

test("a body is read up to a limit, counted after it was unpacked: the platforms' is higher than that of named addresses", async () => {
  const server = await serve((request, response) => {
    response.setHeader("content-encoding", "gzip").end(gzipSync(Buffer.alloc(Number(request.url?.slice(1)), "x")));
  });
  const { fetch, fetchNamed } = open({ isOwnHost: () => true });
  const url = `http://127.0.0.1:${portOf(server)}`;
  const mib = 1_048_576;
  for (const [way, limit] of [
    [fetch, 16 * mib],
    [fetchNamed, mib],
  ] as const) {
    expect(await (await way(`${url}/${limit}`)).text()).toHaveLength(limit);
    await expect((await way(`${url}/${limit + 1}`)).text()).rejects.toMatchObject({ code: "answer_too_large" });
  }
});

test("an answer is kept up to 1 MiB", async () => {
  const answers: Record<string, unknown> = {
    "/whole": { wanted: "x".repeat(1_100_000) },
    "/part": { unwanted: "x".repeat(9_000_000), wanted: "y" },
    "/too-long": { unwanted: "x".repeat(17 * 1_048_576), wanted: "y" },
  };
  const server = await serve((request, response) => {
    const body = gzipSync(JSON.stringify(answers[request.url ?? ""]));
    response.setHeader("content-encoding", "gzip").end(body);
  });
  const { fetch } = open({ isOwnHost: () => true });
  const ask = (path: string, keep?: KeptFields) => {
    const url = `http://127.0.0.1:${portOf(server)}${path}`;
    return send({ method: "GET", url, headers: {}, ...(keep && { keep }) }, { fetch, now: () => new Date() });
  };
  const tooLarge = { kind: "unavailable", cause: "answer_too_large" };
  expect(await ask("/whole")).toMatchObject(tooLarge);
  expect(await ask("/whole", { wanted: true })).toMatchObject(tooLarge);
  expect(await ask("/part")).toMatchObject(tooLarge);
  expect(await ask("/part", { wanted: true })).toMatchObject({ kind: "reply", body: { wanted: "y" } });
  expect(await ask("/too-long", { wanted: true })).toMatchObject(tooLarge);
});

test("an address that is refused counts as a request that was never sent", async () => {
  const { fetch } = open();
  const request = { method: "POST", url: "https://169.254.169.254/", headers: {} } as const;
  const reply = await send(request, { fetch, now: () => new Date() });
  expect(reply).toMatchObject({ kind: "unavailable", cause: "ADDRESS_REFUSED", mayHaveBeenProcessed: false });
});

test("no refusal repeats a password", async () => {
  const error = await open()
    .fetch("https://user:hunter2@github.com/")
    .catch((reason) => reason);
  expect(`${error} ${error.stack}`).not.toContain("hunter2");
});

test("the listener would have seen a connection", async () => {
  const { fetch } = open({ isOwnHost: () => true });
  await expect(fetch(`http://127.0.0.1:${canary.port}/`)).rejects.toThrow("fetch failed");
  expect(await canary.count()).toBe(1);
});
