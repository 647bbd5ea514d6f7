import type { Setting } from "../src/settings/setting.ts";

/** Where the settings are, to be copied and filled in. */
export const envExamplePath = ".env.example";

const head = `# Every setting of the service with its default, as docs/settings.md has them; npm run settings writes both.
# Copy this to .env, and take the # away from what you set. It is read by node --env-file=.env, docker run --env-file,
# env_file of compose and EnvironmentFile of systemd. Of a secret set one line: the value itself, or a file that has it.
`;

const width = 118;

/** An environment file in which nothing is set yet. */
export function envExample(settings: readonly Setting[]): string {
  return [head, ...settings.map(paragraph)].join("\n");
}

function paragraph(setting: Setting): string {
  const { name, secret, unset, aliases = [] } = setting;
  const notes = [
    setting.meaning,
    unset === undefined ? "" : `Unset: ${unset}.`,
    aliases.length === 0 ? "" : `Also called ${aliases.join(", ")}.`,
  ];
  const lines = wrapped(notes.filter((note) => note !== "").join(" "));
  const file = secret === true ? [`#${name}_FILE=/run/secrets/${name.toLowerCase()}`] : [];
  return [...lines.map((line) => `# ${line}`), `#${name}=${setting.default ?? ""}`, ...file, ""].join("\n");
}

/** Without the marks of Markdown, which mean nothing here. */
function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  for (const word of text.replaceAll("`", "").split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
