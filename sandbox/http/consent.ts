import type { Request, Response } from "express";
import type { PlatformWorld } from "../options.ts";
import { randomText } from "../random-text.ts";
import { type ConsentQuestion, consentPage, messagePage } from "./pages.ts";
import type { PlatformServer } from "./platform-server.ts";

/** What the person at the browser does: decides at once, or is asked on a page. */
export type PersonsDecision = "approve" | "deny" | "ask";

/** Where the browser goes next; undefined where the platform leaves it on a page of its own. */
export type Next = string | undefined;

export interface Consent {
  /** Can be changed at any time. */
  decision: PersonsDecision;
  /** Shows the page, or decides at once. Each question is answered once, by a POST of the page's form. */
  ask(response: Response, question: ConsentQuestion, answers: ConsentAnswers): Promise<void>;
}

export interface ConsentAnswers {
  /** `choice` is the option picked; undefined when the person did not see the page. */
  approve(choice: string | undefined): Next | Promise<Next>;
  deny(): Next;
}

/** Adds the route the consent pages post to. */
export function addConsent(server: PlatformServer, world: PlatformWorld): Consent {
  const pending = new Map<string, ConsentAnswers>();
  const consent: Consent = {
    decision: world.autoApprove ? "approve" : "ask",
    async ask(response, question, answers) {
      switch (consent.decision) {
        case "approve":
          return go(response, await answers.approve(undefined));
        case "deny":
          return go(response, answers.deny());
        case "ask": {
          const id = randomText(world.random, 24);
          pending.set(id, answers);
          return sendPage(response, 200, consentPage(question, `/consent/${id}`));
        }
      }
    },
  };
  server.routes.post("/consent/:id", async (request: Request<{ id: string }>, response: Response) => {
    const answers = pending.get(request.params.id);
    pending.delete(request.params.id);
    if (answers === undefined) return sendPage(response, 410, messagePage("Already answered", "Start again."));
    const form = new URLSearchParams(typeof request.body === "string" ? request.body : "");
    const approved = form.get("decision") === "approve";
    go(response, approved ? await answers.approve(form.get("choice") ?? undefined) : answers.deny());
  });
  return consent;
}

/** Sends one of the sandbox's pages: never cached, never framed, without scripts. */
export function sendPage(response: Response, status: number, html: string): void {
  response
    .status(status)
    .setHeader("cache-control", "no-store")
    .setHeader("referrer-policy", "no-referrer")
    .setHeader("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
    .type("html")
    .end(html);
}

function go(response: Response, next: Next): void {
  if (next === undefined) sendPage(response, 200, messagePage("Nothing was changed", "You can close this page."));
  else response.redirect(302, next);
}
