import express, { type Express, Router } from "express";

/** Express without what we do not use: its header, ETags, query parser, and trust in what a proxy says. */
export function expressApp(): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", false);
  app.set("trust proxy", false);
  app.enable("case sensitive routing");
  return app;
}

/** Routes that an app of `expressApp` can have in several places. */
export function expressRouter(): Router {
  return Router({ caseSensitive: true });
}
