import type { Http2Session, ServerHttp2Stream } from "node:http2";
import { types } from "node:util";

/** A stream and when it was opened, by `performance.now()`. */
export type OpenStream = readonly [stream: ServerHttp2Stream, sinceMs: number];

const initialPlaces = 16;
/** No stream has this id (RFC 9113, section 5.1.1). */
const nobody = 0;

/**
 * The open streams of one HTTP/2 session by their ids, in arrays that are written in place.
 *
 * A Map in which streams come and go is copied again and again, into the old generation since the session lives there,
 * and each left copy holds what it had until the next full collection: every stream was moved before it was collected.
 */
export class StreamTable {
  #ids: number[] = [];
  #streams: (ServerHttp2Stream | undefined)[] = [];
  #sinceMs: number[] = [];
  size = 0;

  get(id: number): ServerHttp2Stream | undefined {
    return this.size === 0 ? undefined : this.#streams[this.#placeOf(id)];
  }

  set(id: number, stream: ServerHttp2Stream): this {
    if (2 * this.size >= this.#ids.length) this.#grow();
    const place = this.#placeOf(id);
    if (this.#ids[place] === nobody) this.size++;
    this.#write(place, id, stream, performance.now());
    return this;
  }

  delete(id: number): boolean {
    if (this.size === 0) return false;
    let hole = this.#placeOf(id);
    if (this.#ids[hole] === nobody) return false;
    this.size--;
    const mask = this.#ids.length - 1;
    // Who was put behind this one for want of a free place moves up, so that no place has to be marked as left.
    for (let place = (hole + 1) & mask; this.#ids[place] !== nobody; place = (place + 1) & mask) {
      const other = this.#ids[place] ?? nobody;
      const past = (place - wish(other, mask)) & mask;
      if (past < ((place - hole) & mask)) continue;
      this.#write(hole, other, this.#streams[place], this.#sinceMs[place] ?? 0);
      hole = place;
    }
    this.#write(hole, nobody, undefined, 0);
    return true;
  }

  /** As a Map's; what `visit` changes does not change whom it sees. */
  forEach(visit: (stream: ServerHttp2Stream, id: number, table: this) => void): void {
    const ids = this.#ids.filter((id) => id !== nobody);
    for (const id of ids) {
      const stream = this.get(id);
      if (stream !== undefined) visit(stream, id, this);
    }
  }

  /** Those that are open now, in no order. */
  open(): readonly OpenStream[] {
    return this.#streams.flatMap((stream, place) =>
      stream === undefined ? [] : [[stream, this.#sinceMs[place] ?? 0] as const],
    );
  }

  /** Where a stream is, or would be put. */
  #placeOf(id: number): number {
    const mask = this.#ids.length - 1;
    let place = wish(id, mask);
    while (this.#ids[place] !== id && this.#ids[place] !== nobody) place = (place + 1) & mask;
    return place;
  }

  #write(place: number, id: number, stream: ServerHttp2Stream | undefined, sinceMs: number): void {
    this.#ids[place] = id;
    this.#streams[place] = stream;
    this.#sinceMs[place] = sinceMs;
  }

  #grow(): void {
    const [ids, streams, sinceMs] = [this.#ids, this.#streams, this.#sinceMs];
    const places = Math.max(initialPlaces, 2 * ids.length);
    this.#ids = new Array(places).fill(nobody);
    this.#streams = new Array(places).fill(undefined);
    this.#sinceMs = new Array(places).fill(0);
    ids.forEach((id, place) => {
      if (id !== nobody) this.#write(this.#placeOf(id), id, streams[place], sinceMs[place] ?? 0);
    });
  }
}

/** Clients count by two, so that neighbours in time are neighbours here. */
function wish(id: number, mask: number): number {
  return (id >>> 1) & mask;
}

/**
 * Puts a table in the place of the Map in which node:http2 keeps the streams of a session that has none yet. False: this
 * version of Node has no such Map where it is looked for, and the table stays empty.
 */
export function keepStreamsIn(table: StreamTable, session: Http2Session): boolean {
  const key = Object.getOwnPropertySymbols(session).find(({ description }) => description === "state");
  const state: unknown = key === undefined ? undefined : Reflect.get(session, key);
  if (!hasStreams(state) || !types.isMap(state.streams) || state.streams.size > 0) return false;
  state.streams = table;
  return true;
}

function hasStreams(state: unknown): state is { streams: unknown } {
  return typeof state === "object" && state !== null && "streams" in state;
}
