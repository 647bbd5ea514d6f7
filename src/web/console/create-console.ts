import type { Router } from "express";
import type { RateLimits } from "../../domain/connecting/address-rates.ts";
import type { NoteEvent } from "../../domain/record/noted-events.ts";
import type { World } from "../../world.ts";
import { expressRouter } from "../express-app.ts";
import type { WebHandler } from "../handler.ts";
import { methodNotAllowed } from "../method-not-allowed.ts";
import { createRawBodies } from "../raw-bodies.ts";
import { unexpectedErrors } from "../unexpected-error.ts";
import { createAnswers } from "./answers.ts";
import { concernsPage } from "./concerns/concerns-page.ts";
import { connectForm, connectPage } from "./connect/connect-page.ts";
import { connectionAddress } from "./connection/address.ts";
import { type ConnectionParts, connectionPage } from "./connection/connection-page.ts";
import { reconnectForm } from "./connection/reconnect.ts";
import { type RevokeParts, revokeForm, revokePage } from "./connection/revoke.ts";
import { connectionsPage } from "./connections/connections-page.ts";
import { createFormTokens } from "./form-tokens.ts";
import { changesRoute } from "./live/changes-route.ts";
import { platformsPage } from "./platforms/platforms-page.ts";
import type { KnownProduct } from "./products.ts";
import { createSessions, type SealedText } from "./sessions.ts";
import { signInRoute, signOutRoute } from "./sign-in/sign-in-routes.ts";
import { createWrongKeys } from "./sign-in/wrong-keys.ts";
import { createVisits, type VisitsParts } from "./visits.ts";

export interface ConsoleOptions
  extends Pick<World, "log" | "now" | "random">,
    Pick<VisitsParts, "calls" | "watch" | "listConcerns" | "authenticate" | "signsIn">,
    Pick<ConnectionParts, "grpcDoor" | "productsOf">,
    Pick<RevokeParts, "revocationReach"> {
  /** Whether browsers reach this listener over TLS. */
  readonly https: boolean;
  /** Sealed for the console alone, and for each of its purposes apart. */
  readonly sealed: { readonly session: SealedText; readonly form: SealedText };
  readonly rateLimits: Pick<RateLimits, "count" | "giveBack">;
  readonly note: NoteEvent;
  /** In the order people meet them. */
  readonly products: readonly KnownProduct[];
}

/** All forms that are being read. */
const formsBytes = 4 * 1024 * 1024;

/** The pages below `/console`, for people: a client of the RPCs, with the rights of whoever is signed in. */
export function createConsole(options: ConsoleOptions): Router {
  const sessions = createSessions({ ...options, sealed: options.sealed.session });
  const formTokens = createFormTokens(options.sealed.form);
  const answers = createAnswers({ sessions, formTokens, random: options.random });
  const visits = createVisits({ ...options, sessions, formTokens, answers, readBody: createRawBodies(formsBytes) });
  const signIn = { ...options, visits, sessions, answers, wrongKeys: createWrongKeys(options.rateLimits) };
  const only = (allow: string) =>
    methodNotAllowed(allow, (_request, response) => answers.refused(response, "method_not_allowed"));

  const routes = expressRouter();
  routes
    .route("/console")
    .get(visits.livePage(connectionsPage(options)))
    .all(only("GET, HEAD"));
  routes
    .route("/console/concerns")
    .get(visits.page(concernsPage(options)))
    .all(only("GET, HEAD"));
  routes
    .route("/console/connect")
    .get(visits.page(connectPage(options)))
    .post(visits.form(connectForm(options)))
    .all(only("GET, HEAD, POST"));
  routes
    .route("/console/platforms")
    .get(visits.page(platformsPage(options)))
    .all(only("GET, HEAD"));
  routes
    .route("/console/changes")
    .head(only("GET"))
    .get(changesRoute({ ...options, sessions }))
    .all(only("GET"));
  routes
    .route("/console/connections/:id")
    .get(visits.livePage(connectionPage(options)))
    .all(only("GET, HEAD"));
  routes
    .route("/console/connections/:id/reconnect")
    // Where a sign-in leads back to, and whoever goes to the address that they see.
    .get(visits.page(({ path: { id = "" } }) => ({ kind: "redirect", to: connectionAddress(id) })))
    .post(visits.form(reconnectForm(options)))
    .all(only("GET, HEAD, POST"));
  routes
    .route("/console/connections/:id/revoke")
    .get(visits.page(revokePage(options)))
    .post(visits.form(revokeForm(options)))
    .all(only("GET, HEAD, POST"));
  if (options.signsIn) {
    const toFirstPage = visits.page(() => ({ kind: "redirect", to: "/console" }));
    routes.route("/console/sign-in").get(toFirstPage).post(signInRoute(signIn)).all(only("GET, HEAD, POST"));
    routes.route("/console/sign-out").post(signOutRoute(signIn)).all(only("POST"));
  }
  const notFound: WebHandler = (_request, response) => answers.refused(response, "not_found");
  routes.use(notFound);
  routes.use(unexpectedErrors(options.log, (_request, response, failure) => answers.refused(response, failure)));
  return routes;
}
