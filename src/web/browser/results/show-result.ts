import type { Installation } from "../../../domain/model/installation.ts";
import { ServiceError } from "../../../errors.ts";
import type { World } from "../../../world.ts";
import type { WebHandler, WebRequest, WebResponse } from "../../handler.ts";
import { allowScript } from "../../security-headers.ts";
import { type AnswerFailure, prefersJson, redirect, sendPage } from "../answers.ts";
import { keepOpener } from "../flows/flow-name.ts";
import { installationJson } from "../installation-json.ts";
import { connectedPage, type PlatformLabel, type PopupPart } from "../result-pages.ts";
import type { KeptResults } from "./kept-results.ts";
import { popupPart } from "./popup-part.ts";
import type { Result } from "./result.ts";

/** Shows how an attempt ended: as a page, or in JSON. */
export type ShowResult = (request: WebRequest, response: WebResponse, result: Result) => Promise<void>;

export function createShowResult(parts: {
  /** Those of the ids that there are. */
  readonly findInstallations: (ids: readonly string[]) => Promise<readonly Installation[]>;
  readonly platformLabel: PlatformLabel;
  readonly answerFailure: AnswerFailure;
  readonly random: World["random"];
}): ShowResult {
  const { findInstallations, platformLabel, answerFailure, random } = parts;

  return async (request, response, result) => {
    const { platform, requestId, forProgram } = result;
    const popup = result.popup && inPopup(response, result);
    if (result.kind === "failed") {
      return answerFailure(request, response, result.failure, platform, { forProgram, requestId, popup });
    }
    const { installationIds, more, returnTo } = result;
    const installations = await named(installationIds);
    if (prefersJson(request)) return sendConnected(response, installations, installationIds[0]);
    const back = returnTo === undefined ? undefined : new URL(returnTo);
    const toBeFinished = result.popup?.completionCode !== undefined;
    const page = { platform, installations, more, returnTo: back, toBeFinished, forProgram, platformLabel, popup };
    sendPage(response, 200, connectedPage(page));
  };

  function inPopup(response: WebResponse, result: Result): PopupPart | undefined {
    keepOpener(response);
    const nonce = random(16).toString("base64url");
    const part = popupPart(result, platformLabel, nonce);
    if (part !== undefined) allowScript(response, nonce);
    return part;
  }

  /** What was connected is connected, whether its names can be read now or not. */
  async function named(ids: readonly string[]): Promise<readonly Installation[]> {
    try {
      return await findInstallations(ids);
    } catch (error) {
      if (error instanceof ServiceError && error.reason === "SERVICE_UNAVAILABLE") return [];
      throw error;
    }
  }
}

/** The same where the result is kept, for who preferred a page: its address holds neither code nor state nor link. */
export function createTellResult(kept: KeptResults, show: ShowResult): ShowResult {
  return async (request, response, result) => {
    const address = prefersJson(request) ? undefined : kept.keep(request, response, result);
    if (address === undefined) return show(request, response, result);
    if (result.kind === "failed") response.locals.failure = result.failure;
    if (result.popup !== undefined) keepOpener(response);
    redirect(response, address, 303);
  };
}

/** `GET /oauth/result/{id}`: shows a result again, to the browser that has it. */
export function resultRoute(parts: {
  readonly kept: KeptResults;
  readonly show: ShowResult;
  readonly answerFailure: AnswerFailure;
}): WebHandler<{ id: string }> {
  const { kept, show, answerFailure } = parts;

  return async (request, response) => {
    const result = kept.find(request, request.params.id);
    if (result === undefined) return answerFailure(request, response, "result_not_here");
    await show(request, response, result);
  };
}

/** What a program is told: the installations as the RPCs give them. */
export function sendConnected(
  response: WebResponse,
  installations: readonly Installation[],
  firstId: string | undefined,
): void {
  response.json({ success: true, installation_id: firstId, installations: installations.map(installationJson) });
}
