import { type Command, UsageError } from "../command.ts";
import { operating } from "./operating.ts";
import { readLife } from "./read-life.ts";

type Values = "owner" | "return-to" | "ttl" | "scopes" | "reconnect";

/** `link create PLATFORM`: an address at which one person can connect a platform, once. */
export const createLinkCommand: Command<readonly [string], Values, "complete-in-callback" | "confirm-page"> = async (
  { arguments: [platform], values, flags },
  world,
) => {
  const { owner, "return-to": returnTo, reconnect: installationId } = values;
  const completeInCallback = flags["complete-in-callback"];
  if (owner !== undefined && returnTo === undefined && !completeInCallback) {
    throw new UsageError(
      "whoever finishes a link of an owner has to be who started it",
      "give --return-to URL of the page that calls CompleteInstall, or vouch for the person with --complete-in-callback",
    );
  }
  const ttlMs = readLife("ttl", values.ttl);
  const scopes = (values.scopes ?? "").split(/[\s,]+/).filter((scope) => scope !== "");
  const request = { platform, owner, returnTo, ttlMs, scopes, installationId, completeInCallback };
  const confirmPage = flags["confirm-page"];
  const { url, expiresAt } = await operating(world, ({ createLink, call }) =>
    createLink({ ...request, confirmPage }, call("link create")),
  );
  world.print(url.reveal());
  world.complain(`for one person, once, until ${expiresAt.toISOString()}: whoever has it can connect`);
  return { code: 0, result: { url: url.reveal(), expire_time: expiresAt.toISOString() } };
};
