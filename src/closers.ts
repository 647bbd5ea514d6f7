/** Closes what was opened, in reverse order. Goes on past a failure, throws the first one, and runs once. */
export interface Closers {
  add(name: string, close: () => Promise<void> | void): void;
  close(): Promise<void>;
}

export function createClosers(): Closers {
  const opened: { name: string; close: () => Promise<void> | void }[] = [];
  let closing: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    let first: Error | undefined;
    for (let closer = opened.pop(); closer !== undefined; closer = opened.pop()) {
      try {
        await closer.close();
      } catch (error) {
        first ??= new Error(`closing ${closer.name} failed`, { cause: error });
      }
    }
    if (first !== undefined) throw first;
  }

  return {
    add: (name, close) => void opened.push({ name, close }),
    close: () => (closing ??= closeAll()),
  };
}
