/** What is wrong with one setting. Never repeats a secret value. */
export interface Problem {
  /** The name an operator has to look for. */
  readonly setting: string;
  readonly wrong: string;
  /** What to set. */
  readonly fix: string;
}

/** The configuration cannot be used. Lists every problem, one line each, then what may be a misspelled name. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], warnings: readonly string[]) {
    const lines = [
      ...problems.map(({ setting, wrong, fix }) => `${setting}: ${wrong}; ${fix}`),
      ...warnings.map((warning) => `(warning) ${warning}`),
    ];
    super(["the configuration cannot be used:", ...lines].join("\n  "));
    this.name = "ConfigError";
    this.problems = problems;
  }
}
