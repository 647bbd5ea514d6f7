import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type NextFunction, type Request, type Response, Router } from "express";
import type { PlatformWorld } from "../options.ts";

/** One request that reached the platform. */
export interface Call {
  readonly method: string;
  /** Without the query, which may hold a state or a code. */
  readonly path: string;
  readonly at: Date;
  /** SHA-256 of the refresh token it used, lowercase hex. */
  readonly grant?: string;
}

/** Something no correct client does. A test that ends with faults has found a wrong client. */
export interface Fault {
  readonly method: string;
  readonly path: string;
  readonly problem: string;
}

export interface PlatformServer {
  /** Routes can be added at any time; what none of them takes is answered 501 and recorded as a fault. */
  readonly routes: Router;
  /** `http://127.0.0.1:{port}` */
  readonly url: string;
  readonly calls: readonly Call[];
  readonly faults: readonly Fault[];
  /** Names the refresh token this request used. */
  noteGrant(request: Request, refreshToken: string): void;
  recordFault(request: Request, problem: string): void;
  /** Ends every connection, also the ones that hang, and listens no more. */
  close(): Promise<void>;
}

/** A loopback HTTP server that remembers every request. */
export async function startPlatformServer(world: PlatformWorld): Promise<PlatformServer> {
  const app = express();
  const http = createServer(app);
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(world.port, "127.0.0.1", resolve);
  });
  const calls: { method: string; path: string; at: Date; grant?: string }[] = [];
  const faults: Fault[] = [];
  const callOf = new WeakMap<Request, (typeof calls)[number]>();
  const { port } = http.address() as AddressInfo;

  const server: PlatformServer = {
    routes: Router(),
    url: `http://127.0.0.1:${port}`,
    calls,
    faults,
    noteGrant(request, refreshToken) {
      const call = callOf.get(request);
      if (call !== undefined) call.grant = createHash("sha256").update(refreshToken).digest("hex");
    },
    recordFault(request, problem) {
      faults.push({ method: request.method, path: request.path, problem });
    },
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      http.closeAllConnections();
      await closed;
    },
  };

  app.disable("x-powered-by");
  app.disable("etag");
  app.use((request, response, next) => {
    const at = world.now();
    const call = { method: request.method, path: request.path, at };
    calls.push(call);
    callOf.set(request, call);
    response.setHeader("date", at.toUTCString());
    if (world.isolatesPages) response.setHeader("cross-origin-opener-policy", "same-origin");
    next();
  });
  app.use(express.text({ type: () => true, limit: "1mb" }));
  app.use(server.routes);
  app.use((request, response) => {
    const problem = `the sandbox does not know ${request.method} ${request.path}`;
    server.recordFault(request, problem);
    response.status(501).json({ error: "not_implemented", message: problem });
  });
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    server.recordFault(request, `the sandbox failed: ${error instanceof Error ? error.message : "unknown error"}`);
    if (response.headersSent) response.destroy();
    else response.status(500).json({ error: "sandbox_failed" });
  });
  return server;
}
