import { escapeHtml } from "./escape-html.ts";

/** What a consent page says and asks. */
export interface ConsentQuestion {
  /** `GitHub`, `Slack`, … */
  readonly platform: string;
  /** The page's heading, e.g. `Install oauth-token-service`. */
  readonly heading: string;
  /** Who is signed in at the platform. */
  readonly person: string;
  /** The permissions or scopes that are asked for. */
  readonly asks: readonly string[];
  /** Where to install, if the person can choose. */
  readonly choices?: readonly Choice[];
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** A form without scripts, posted to `action`, with the buttons Approve and Deny. */
export function consentPage(question: ConsentQuestion, action: string): string {
  const asks = question.asks.map((ask) => `<li><code>${escapeHtml(ask)}</code></li>`).join("");
  return page(
    `${question.heading} - ${question.platform} sandbox`,
    `<h1>${escapeHtml(question.heading)}</h1>
<p>You are signed in to the ${escapeHtml(question.platform)} sandbox as <strong>${escapeHtml(question.person)}</strong>.</p>
<form method="post" action="${escapeHtml(action)}">
${asks === "" ? "" : `<p id="asks">It asks for:</p><ul aria-labelledby="asks">${asks}</ul>`}
${choices(question.choices ?? [])}
<p><button name="decision" value="approve">Approve</button> <button name="decision" value="deny">Deny</button></p>
</form>`,
  );
}

/** A page that ends the flow at the platform. */
export function messagePage(heading: string, text: string): string {
  return page(heading, `<h1>${escapeHtml(heading)}</h1><p>${escapeHtml(text)}</p>`);
}

function choices(all: readonly Choice[]): string {
  if (all.length === 0) return "";
  const options = all.map(
    ({ value, label }, index) =>
      `<p><label><input type="radio" name="choice" value="${escapeHtml(value)}"${index === 0 ? " checked" : ""}> ${escapeHtml(label)}</label></p>`,
  );
  return `<fieldset><legend>Where</legend>${options.join("")}</fieldset>`;
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}button{font:inherit;padding:.4rem 1.2rem}</style>
</head>
<body><main>
${content}
</main></body>
</html>
`;
}
