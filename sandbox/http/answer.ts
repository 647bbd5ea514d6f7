import type { Request, RequestHandler, Response } from "express";

/** What a route answers. A string body is sent as it is, anything else as JSON. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A route that is a function from request to answer. */
export function route(handle: (request: Request) => Answer | Promise<Answer>): RequestHandler {
  return async (request, response) => {
    sendAnswer(response, await handle(request));
  };
}

export function sendAnswer(response: Response, answer: Answer): void {
  response.status(answer.status);
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  if (answer.body === undefined) response.end();
  else if (typeof answer.body === "string") response.end(answer.body);
  else response.json(answer.body);
}
