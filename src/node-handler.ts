import type { IncomingMessage, ServerResponse } from "node:http";

/** Answers what is its own and passes on everything else with `next`. The body must not have been read. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
