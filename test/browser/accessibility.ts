import axe from "axe-core";
import type { Page } from "playwright-core";

interface Finding {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
}

/**
 * What axe-core finds wrong with the page that is shown, contrast that it cannot tell among it. It takes a ground that no
 * style states for white, in the dark too: that is looked for first. `rules`: only these, since all take seconds.
 */
export async function accessibilityFindings(page: Page, rules?: readonly string[]): Promise<readonly string[]> {
  const ground = await page.evaluate("getComputedStyle(document.body).backgroundColor");
  if (ground === "rgba(0, 0, 0, 0)") return ["the page states no ground"];
  // By the debugger, since the policy of our pages lets no script in.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(axe.source);
  const options = { ...(rules && { runOnly: rules }), rules: { "target-size": { enabled: true } } };
  const { violations, incomplete } = await page.evaluate<{ violations: Finding[]; incomplete: Finding[] }>(
    `axe.run(document, ${JSON.stringify(options)})`,
  );
  return [...violations, ...incomplete.filter(({ id }) => id === "color-contrast")].flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} (${help}) at ${target.join(" ")}: ${failureSummary}`),
  );
}

/** What can be pressed or filled in, in the order of the Tab key; throws for what it passes over or does not mark. */
export async function tabOrder(page: Page): Promise<readonly string[]> {
  const reachable = page.locator("a[href], button, input:not([type=hidden]), select, summary");
  const names: string[] = [];
  for (const element of await reachable.all()) {
    await page.keyboard.press("Tab");
    const { focused, outline, name } = await element.evaluate((node) => {
      const { document, getComputedStyle } = globalThis as unknown as BrowserGlobals;
      const { outlineStyle, outlineWidth } = getComputedStyle(node);
      const text = node.textContent?.trim() || (node as unknown as { name: string }).name;
      return { focused: document.activeElement === node, outline: `${outlineStyle} ${outlineWidth}`, name: text };
    });
    if (!focused) throw new Error(`the Tab key does not come to: ${name}`);
    if (outline !== "solid 3px") throw new Error(`nobody sees that the focus is on: ${name} (${outline})`);
    names.push(name);
  }
  return names;
}

/** What is used of a page's globals, whose types this project does not have. */
interface BrowserGlobals {
  readonly document: { readonly activeElement: unknown };
  getComputedStyle(node: unknown): { readonly outlineStyle: string; readonly outlineWidth: string };
}
