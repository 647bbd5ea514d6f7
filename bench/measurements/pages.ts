import postgres from "postgres";
import { createBrowser } from "../../rig/browser.ts";
import { findChromium, launchChromium } from "../../rig/chromium.ts";
import { median } from "../distribution.ts";
import { count, milliseconds } from "../figures.ts";
import type { Bench, Findings, Measurement, Row } from "../measurement.ts";
import { seedInstallations } from "../seed-installations.ts";
import { connect, type Service, startPlatforms, startService } from "../service.ts";
import { postgresSettings } from "../warm-service.ts";

export const pages: Measurement = {
  name: "pages",
  title: "Pages: their weight, and how long they take with 100,000 installations",
  run: measure,
};

const few = 1_000;
const many = 100_000;
/** The large list beside the small one. */
const most = 1.25;
/** From the commit to the screen. */
const shownWithinMs = 1_000;
/** Of a page in Chromium. */
const loads = 5;
/** Of the document, which is all that is fetched. */
const heaviest = 64_000;

interface Site {
  readonly service: Service;
  readonly console: string;
  readonly installationId: string;
  readonly databaseUrl: string;
  /** What 111 of the numbers of its installations begin with. */
  readonly fewDigits: string;
}

async function measure(bench: Bench): Promise<Findings> {
  const { plan } = bench;
  const requests = Math.ceil(plan.listCalls / 4);
  const small = await startWith(bench, "bench_pages_few", few);
  const large = await startWith(bench, "bench_pages_many", many);
  const shown = [
    ["console: the list", (site: Site) => site.console],
    // As many in both: names that begin with it, of numbers up to few and up to many.
    ["console: a search that 111 match", (site: Site) => `${site.console}?search=organization+${site.fewDigits}`],
    ["console: a search that all match", (site: Site) => `${site.console}?search=organ`],
    ["console: a connection", (site: Site) => `${site.console}/connections/${site.installationId}`],
  ] as const;
  const person = await createPerson(large);
  const rows: Row[] = [];
  for (const [name, address] of shown) {
    const times = { small: [] as number[], large: [] as number[] };
    for (const site of [small, large]) await timeOf(address(site), requests);
    for (let i = 0; i < plan.repetitions; i++) {
      times.small.push((await timeOf(address(small), requests)).ms);
      times.large.push((await timeOf(address(large), requests)).ms);
    }
    const { bytes } = await timeOf(address(large), 1);
    const ratio = median(times.large.map((ms, i) => ms / (times.small[i] ?? ms)));
    const cells = [milliseconds(median(times.small)), milliseconds(median(times.large)), ratio.toFixed(2)];
    const target = { text: `≤ ${most.toFixed(2)}, ≤ ${heaviest / 1000} kB`, met: ratio <= most && bytes <= heaviest };
    rows.push({ cells: [name, count(bytes), ...cells, await person.interactive(address(large))], target });
  }
  const result = await person.result();
  rows.push({ cells: ["result of connecting", count(result.bytes), "", "", "", result.interactive] });
  rows.push({ cells: ["a text of the same server, for comparison", "", "", "", "", await person.floor()] });
  const shownMs = await person.change();
  rows.push({
    cells: [
      "a change, from its commit to the screen",
      "",
      "",
      "",
      "",
      shownMs === undefined ? "" : milliseconds(shownMs),
    ],
    ...(shownMs === undefined
      ? {}
      : { target: { text: `< ${milliseconds(shownWithinMs)}`, met: shownMs < shownWithinMs } }),
  });
  await person.leave();
  return {
    columns: ["page", "bytes", `answered, ${count(few)} rows`, `answered, ${count(many)} rows`, "ratio", "interactive"],
    rows,
    how: `Answered: ${requests} requests a run, one at a time, whole pages of 50 rows, both databases in turn. Interactive: from the start of the navigation to the end of the page's own script in Chromium, the median of ${loads}; empty where there is no Chromium. Bytes are those of the document, uncompressed: nothing else is fetched.`,
  };
}

async function startWith(bench: Bench, database: string, rows: number): Promise<Site> {
  const settings = await postgresSettings(bench, database);
  const databaseUrl = bench.postgres.urlOf(database);
  const sandbox = await startPlatforms(bench.closers);
  await seedInstallations(databaseUrl, rows);
  const env = { ...sandbox.environment, ...settings };
  const service = await startService(bench.closers, { core: bench.cores.server, env });
  const installationId = await connect(service, sandbox, "slack");
  const fewDigits = "7".repeat(Math.log10(rows) - 2);
  return {
    service,
    console: `http://localhost:${service.internalPort}/console`,
    installationId,
    databaseUrl,
    fewDigits,
  };
}

/** The median of so many answers. */
async function timeOf(address: string, times: number): Promise<{ readonly ms: number; readonly bytes: number }> {
  const all: number[] = [];
  let bytes = 0;
  for (let i = 0; i < times; i++) {
    const startedAt = performance.now();
    const answer = await fetch(address);
    bytes = (await answer.arrayBuffer()).byteLength;
    all.push(performance.now() - startedAt);
    if (answer.status !== 200) throw new Error(`${address} answered ${answer.status}`);
  }
  return { ms: median(all), bytes };
}

/** Somebody with a real browser, if there is one. */
async function createPerson(site: Site) {
  const { service, console, installationId, databaseUrl } = site;
  const browser = findChromium().isThere ? await launchChromium() : undefined;
  const page = await browser?.newPage();
  const install = `${service.baseUrl}/oauth/install/slack`;

  async function interactive(address: string): Promise<string> {
    if (page === undefined) return "";
    const all: number[] = [];
    for (let i = 0; i < loads; i++) {
      await page.goto(address);
      const entry = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd";
      all.push(Number(await page.evaluate(entry)));
    }
    return milliseconds(median(all));
  }

  return {
    interactive,
    floor: () => interactive(`http://localhost:${service.internalPort}/health`),
    async result() {
      const { text } = await createBrowser().visit(install);
      await page?.goto(install);
      return { bytes: Buffer.byteLength(text), interactive: page === undefined ? "" : await interactive(page.url()) };
    },
    async change(): Promise<number | undefined> {
      if (page === undefined) return undefined;
      const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
      const all: number[] = [];
      await page.goto(console);
      await page.getByText("Live: changes appear by themselves.").waitFor();
      for (const [status, words] of [...transitions, ...transitions]) {
        const seen = page.evaluate(`new Promise((seen) => {
          const look = () => document.querySelector("#connection-${installationId} .mark").textContent === "${words}"
            ? seen(Date.now()) : requestAnimationFrame(look);
          look();
        })`);
        const committing = Date.now();
        await sql`update installations set status = ${status}, updated_at = now() where id = ${installationId}`;
        all.push(Number(await seen) - committing);
      }
      await sql.end();
      return median(all);
    },
    leave: async () => browser?.close(),
  };
}

const transitions = [
  ["suspended", "Suspended"],
  ["active", "Active"],
] as const;
