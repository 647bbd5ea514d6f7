/** Postgres ended itself where it could not go on (PANIC, FATAL), mostly because its disk failed it: `code` says how. */
export class ProgramEnded extends Error {
  readonly code: string | undefined;

  constructor(code: string | undefined) {
    super("the embedded database has ended itself");
    this.name = "ProgramEnded";
    this.code = code;
  }
}

/**
 * Lets a program that has ended be dead. PGlite overlooks the end: it would run the program on, in the middle of what it
 * could not do, and let it commit that with the next statement. From now on every query rejects, and nothing is written.
 */
export function layToRest(program: object): void {
  const dead = () => {
    throw new ProgramEnded(undefined);
  };
  Object.assign(program, {
    _PostgresMainLoopOnce() {
      // What this throws PGlite catches, and would try again for ever; not so what it calls then.
      Object.assign(program, { stackRestore: dead });
      dead();
    },
    _PostgresMainLongJmp: () => undefined,
    _PostgresSendReadyForQueryIfNecessary: () => undefined,
    _pgl_pq_flush: () => undefined,
    _pq_buffer_remaining_data: () => 0,
  });
}
