import type { WebHandler } from "../handler.ts";

/** Whether this process is to be sent requests: what gRPC health says, and why not. */
export type Readiness = "ok" | "draining" | "unavailable";

/** 200, or 503 with the reason. */
export function readyRoute(readiness: () => Readiness): WebHandler {
  return (_request, response) => {
    const status = readiness();
    response.status(status === "ok" ? 200 : 503).json({ status });
  };
}

/** While the process drains an answer is the last of its connection: what comes next goes to another replica. */
export function lastAnswers(readiness: () => Readiness): WebHandler {
  return (_request, response, next) => {
    if (readiness() === "draining") response.setHeader("Connection", "close");
    next();
  };
}
