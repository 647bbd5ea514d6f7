import { Change, type WatchInstallationsRequest } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { Call } from "../../domain/model/call.ts";
import type { WatchEvent, WatchInstallations } from "../../domain/watching/watch-installations.ts";
import { given } from "../given.ts";
import { toInstallationMessage } from "../installation-messages.ts";
import type { Method } from "../method.ts";
import type { Watched } from "../resume-tokens.ts";
import type { ResponseOf } from "../rpc-names.ts";
import { storable, textLength } from "../rule-checks.ts";

export const watchInstallations: Method<"watchInstallations", WatchInstallations> = {
  rules(request, found) {
    storable(found, "platform", request.platform, 64);
    storable(found, "owner", request.owner, 256);
    textLength(found, "resume_token", request.resumeToken, 0, 1024);
  },

  run: (watchInstallations, _pageTokens, resumeTokens) => (request, call, signal) => {
    const filter = { platform: given(request.platform), owner: given(request.owner) };
    const watched = toWatched(request, call);
    const anew = request.changesOnly && request.resumeToken === "" ? "now" : undefined;
    const from = resumeTokens.read(request.resumeToken, watched) ?? anew;
    const events = watchInstallations(filter, from, call, signal);
    return mapped(events, (event) => toMessage(event, (place) => resumeTokens.write(place, watched)));
  },
};

function toWatched({ platform, owner }: WatchInstallationsRequest, { caller, access }: Call): Watched {
  return { watch: ["watch", caller, platform, owner], sight: access.visible(given(platform)).key };
}

type WriteToken = (place: Extract<WatchEvent, { readonly place: unknown }>["place"]) => string;

function toMessage(event: WatchEvent, write: WriteToken): ResponseOf<"watchInstallations"> {
  switch (event.kind) {
    case "present":
      return { change: Change.PRESENT, installation: toInstallationMessage(event.installation) };
    case "synced":
      return { change: Change.SYNCED, resumeToken: write(event.place) };
    case "created":
    case "updated":
    case "ended":
      return {
        change: changes[event.kind],
        installation: toInstallationMessage(event.installation),
        resumeToken: write(event.place),
      };
  }
}

const changes = { created: Change.CREATED, updated: Change.UPDATED, ended: Change.ENDED } as const;

async function* mapped<From, To>(items: AsyncIterable<From>, map: (item: From) => To): AsyncIterable<To> {
  for await (const item of items) yield map(item);
}
