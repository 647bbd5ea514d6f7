import type { RequestHandler } from "express";

/**
 * The same routes below `path` too: a proxy in front may pass the path of the base URL on or strip it. What has both
 * readings is taken as passed on.
 */
export function belowPath(path: string, routes: RequestHandler): RequestHandler {
  if (path === "") return routes;
  return (request, response, next) => {
    const { url } = request;
    const rest = url.startsWith(path) ? url.slice(path.length) : undefined;
    if (rest === undefined || !/^(?:[/?]|$)/.test(rest)) {
      routes(request, response, next);
      return;
    }
    request.url = rest.startsWith("/") ? rest : `/${rest}`;
    routes(request, response, (error) => {
      request.url = url;
      if (error) next(error);
      else routes(request, response, next);
    });
  };
}
