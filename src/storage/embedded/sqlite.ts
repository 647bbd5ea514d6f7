import process from "node:process";

type Sqlite = typeof import("node:sqlite");

/** Node's own SQLite, loaded without the line about an experiment that some versions of Node write to standard error. */
export function loadSqlite(): Sqlite {
  return withoutExperimentalWarning(() => process.getBuiltinModule("node:sqlite"));
}

/** Every other warning of `load` passes. It is not asynchronous, so nothing else runs meanwhile. */
export function withoutExperimentalWarning<T>(load: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: readonly unknown[]) => {
    if (rest[0] !== "ExperimentalWarning") Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
