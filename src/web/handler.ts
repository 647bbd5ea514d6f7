import type { ErrorRequestHandler, Request, RequestHandler, Response } from "express";

/** What is known of a request besides itself; lives as long as the request. */
export type RequestFacts = {
  /** Random; also in the `X-Request-Id` header. */
  requestId: string;
  /** Where it comes from; undefined once its connection is gone. */
  address?: string | undefined;
  /** The names in the caller's certificate that were verified. */
  certificateNames?: readonly string[];
  /** Where it went, for what Express has no route of. */
  route?: string;
  /** The code of the failure it was answered with. */
  failure?: string;
};

/** Path parameters by name. */
export type PathParameters = Record<string, string>;

export type WebRequest<P = PathParameters> = Request<P, unknown, unknown, unknown, RequestFacts>;
export type WebResponse = Response<unknown, RequestFacts>;
export type WebHandler<P = PathParameters> = RequestHandler<P, unknown, unknown, unknown, RequestFacts>;
export type WebErrorHandler = ErrorRequestHandler<PathParameters, unknown, unknown, unknown, RequestFacts>;
