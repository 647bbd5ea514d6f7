import { createHmac, randomUUID } from "node:crypto";

/** A request as a platform would send it: its headers, and its body to the byte. */
export interface SignedDelivery {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** GitHub signs the body alone. */
export function githubDelivery(
  secret: string,
  event: string,
  payload: object,
  deliveryId: string = randomUUID(),
): SignedDelivery {
  const body = JSON.stringify(payload);
  return {
    body,
    headers: {
      "content-type": "application/json",
      "x-github-event": event,
      "x-github-delivery": deliveryId,
      "x-hub-signature-256": `sha256=${hmac(secret, body)}`,
    },
  };
}

/** Slack signs the body and when it was sent. */
export function slackDelivery(secret: string, payload: object, at: Date): SignedDelivery {
  const body = JSON.stringify(payload);
  const timestamp = String(Math.floor(at.getTime() / 1000));
  return {
    body,
    headers: {
      "content-type": "application/json",
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": `v0=${hmac(secret, `v0:${timestamp}:${body}`)}`,
    },
  };
}

/** Jira sends a token beside the body, which it does not cover. */
export function jiraDelivery(secret: string, payload: object, at: Date): SignedDelivery {
  const iat = Math.floor(at.getTime() / 1000);
  const token = webhookToken(secret, { alg: "HS256", typ: "JWT" }, { iss: "jira", iat, exp: iat + 900 });
  return {
    body: JSON.stringify(payload),
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
  };
}

/** Sentry signs the body alone, with the client secret. */
export function sentryDelivery(
  secret: string,
  resource: string,
  payload: object,
  requestId: string = randomUUID().replaceAll("-", ""),
): SignedDelivery {
  const body = JSON.stringify(payload);
  return {
    body,
    headers: {
      "content-type": "application/json",
      "request-id": requestId,
      "sentry-hook-resource": resource,
      "sentry-hook-timestamp": String(Math.floor(Date.now() / 1000)),
      "sentry-hook-signature": hmac(secret, body),
    },
  };
}

/** A JWT with any header, signed under HS256 whatever that says. */
export function webhookToken(secret: string, header: object, claims: object): string {
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

function hmac(secret: string, text: string): string {
  return createHmac("sha256", secret).update(text).digest("hex");
}
