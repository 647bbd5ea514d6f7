import type { Installation, InstallationStatus } from "../../domain/model/installation.ts";
import { type Html, html } from "../html.ts";
import { type Page, renderPage } from "../page.ts";

/** The name people know a product by; undefined for one we have no name for, whose given name may be anything. */
export type PlatformLabel = (product: string) => string | undefined;

/** What makes the page of a result tell the page that opened its popup. */
export interface PopupPart {
  /** Where its script finds what to tell, to whom, and where to go if nobody takes it. */
  readonly told: Html;
  readonly script: NonNullable<Page["script"]>;
}

const remarks: Record<InstallationStatus, string | undefined> = {
  active: undefined,
  pending: "waiting to be completed",
  suspended: "suspended at the platform",
  reauthorization_required: "has to be connected again",
  revoked: "revoked",
};

/** The page for a finished attempt. */
export function connectedPage(result: {
  /** As callers name it. */
  readonly platform: string;
  /** Those whose names are known. */
  readonly installations: readonly Installation[];
  /** How many more were connected than these. */
  readonly more: number;
  readonly returnTo: URL | undefined;
  /** Whether it is connected only once the person is back there. */
  readonly toBeFinished: boolean;
  /** Whether a program waits for this with a link code. */
  readonly forProgram: boolean;
  readonly platformLabel: PlatformLabel;
  readonly popup?: PopupPart | undefined;
}): string {
  const { platform, installations, more, returnTo, toBeFinished, forProgram, platformLabel, popup } = result;
  const label = platformLabel(platform) ?? "The platform";
  const next = forProgram
    ? "You can close this window, and go on in the program that asked: it is told within seconds."
    : returnTo
      ? "You can go back now."
      : "You can close this window.";
  const said = toBeFinished
    ? `You have approved it. ${label} is connected once you have gone back, within five minutes.`
    : `Everything is set up. ${next}`;
  return renderPage({
    tone: toBeFinished ? "waiting" : "success",
    title: toBeFinished ? "One step is left" : `${label} is connected`,
    body: html`<p>${said}</p>
${installations.length === 0 ? undefined : html`<ul>${installations.map((one) => installationItem(one, platformLabel))}</ul>`}
${more === 0 ? undefined : html`<p>And ${more} more.</p>`}
${returnTo && html`<a class="action" href="${returnTo.href}" rel="noreferrer">Back to ${returnTo.host}</a>`}
${popup?.told}`,
    script: popup?.script,
  });
}

/** The page of a link that wants the person to see who asks, for whom, before going to the platform. */
export function confirmPage(asked: {
  readonly platform: string;
  readonly caller: string;
  readonly owner: string | undefined;
  readonly goOn: URL;
  readonly platformLabel: PlatformLabel;
}): string {
  const { platform, caller, owner, goOn, platformLabel } = asked;
  const label = platformLabel(platform) ?? platform;
  return renderPage({
    tone: "asking",
    title: `Connect ${label}?`,
    body: html`<p>You are about to be sent to ${label}, to give access to what you choose there.</p>
<ul><li><span class="quiet">Asked for by</span><bdi class="name">${caller}</bdi></li>
${owner && html`<li><span class="quiet">On behalf of</span><bdi class="name">${owner}</bdi></li>`}</ul>
<p>If you do not know them, or somebody sent you this link, close this page: nothing has happened.</p>
<a class="action" href="${goOn.href}" rel="nofollow noreferrer">Continue to ${label}</a>`,
  });
}

/** The page for whatever did not work. */
export function failurePage(failure: {
  readonly code: string;
  readonly title: string;
  readonly whatThePersonCanDo: string;
  readonly connectAgain: URL | undefined;
  readonly requestId: string;
  readonly popup?: PopupPart | undefined;
}): string {
  const { code, title, whatThePersonCanDo, connectAgain, requestId, popup } = failure;
  return renderPage({
    tone: code === "approval_pending" ? "waiting" : "failure",
    title,
    body: html`<p>${whatThePersonCanDo}</p>
${connectAgain && html`<a class="action" href="${connectAgain.href}">Connect again</a>`}
<p class="quiet">Code: ${code}<br>Reference: ${requestId}</p>
${popup?.told}`,
    script: popup?.script,
  });
}

/** `bdi` keeps a name written from right to left, or made to look so, from turning the rest of the line around. */
function installationItem(installation: Installation, platformLabel: PlatformLabel): Html {
  const products = installation.products.map((product) => platformLabel(product) ?? product).join(" and ");
  const remark = remarks[installation.status];
  return html`<li><bdi class="name">${installation.externalOrgName || installation.externalOrgId}</bdi>
<span class="quiet">${products}${remark && `, ${remark}`}<br>Installation ${installation.id}</span></li>`;
}
