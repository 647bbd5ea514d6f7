import { type Request, Router } from "express";
import { type Answer, route } from "../http/answer.ts";
import { isRecord, readBody } from "../http/request-body.ts";
import type { PlatformWorld } from "../options.ts";
import { refuseJwt } from "./app-jwt.ts";
import type { AppRegistration, AppWebhook } from "./registration.ts";

/** `GET` and `PATCH /app/hook/config`. */
export function hookConfigApi({
  world,
  app,
  refuses,
}: {
  readonly world: PlatformWorld;
  readonly app: AppRegistration;
  /** Addresses that GitHub cannot reach. */
  readonly refuses: (url: string) => boolean;
}): Router {
  const router = Router();
  const { webhook } = app;
  const withWebhook = (handle: (request: Request) => Answer) =>
    route((request) => refuseJwt(request, app, world.now()) ?? (webhook.active ? handle(request) : notFound));

  router.get(
    "/app/hook/config",
    withWebhook(() => ({ status: 200, body: shown(webhook) })),
  );
  router.patch(
    "/app/hook/config",
    withWebhook((request) => {
      const body = readBody(request);
      if (body.kind !== "json" || !isRecord(body.value)) return invalid("the body must be JSON");
      const { url = webhook.url, content_type: type = webhook.contentType, secret = webhook.secret } = body.value;
      const { insecure_ssl: insecure = webhook.insecureSsl } = body.value;
      if (typeof url !== "string" || !URL.canParse(url)) return invalid("url is not a URL");
      if (refuses(url)) {
        const { host } = new URL(url);
        return invalid(
          `Sorry, the URL host ${host} is not supported because it isn't reachable over the public Internet`,
        );
      }
      if (type !== "json" && type !== "form") return invalid("content_type is json or form");
      Object.assign(webhook, { url, contentType: type, secret, insecureSsl: String(insecure) });
      return { status: 200, body: shown(webhook) };
    }),
  );
  return router;
}

const notFound: Answer = { status: 404, body: { message: "Not Found", status: "404" } };

function invalid(message: string): Answer {
  const error = { resource: "Hook", code: "custom", message };
  return { status: 422, body: { message: "Validation Failed", errors: [error], status: "422" } };
}

/** The secret is never shown. */
function shown({ url, contentType, secret, insecureSsl }: AppWebhook): Record<string, unknown> {
  return {
    content_type: contentType,
    insecure_ssl: insecureSsl,
    url,
    ...(secret === undefined ? {} : { secret: "********" }),
  };
}
